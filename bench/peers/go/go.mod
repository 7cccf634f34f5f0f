// SPDX-License-Identifier: MIT
//
// Go 1.19 is the last that this must compile with.

module rota/bench/peers/go

go 1.19
