# SPDX-License-Identifier: MIT
#
# commit.cmake - which commit is built, for the files that benches write: run
# with -DSOURCE=tree -DTO=header at each build. The header changes only if the
# commit has. Without git or its directory it is unknown.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
	--match=none
	OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
	RESULT_VARIABLE failed)
if(failed OR NOT commit OR NOT EXISTS ${SOURCE}/.git)
	set(commit unknown)
endif()
file(WRITE ${TO}.new "#define ROTA_COMMIT \"${commit}\"\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${TO}.new ${TO})
