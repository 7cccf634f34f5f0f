/* SPDX-License-Identifier: MIT
 *
 * pick.h - a number out of a line of JSON that we wrote ourselves (the
 * server's totals): no more of a parser than that needs.
 */
#ifndef ROTA_TOOLS_PICK_H
#define ROTA_TOOLS_PICK_H

/* The number at @key, at the top if @group is NULL, else in the object that
 * @group names. -1: there is none. */
double pick_number(const char *json, const char *group, const char *key);

#endif
