# SPDX-License-Identifier: MIT
#
# The real core/state.h, inbox.h, park.h and remote.h under relacy: what
# relacy_test.cpp lists, minutes in all. relacy changes stacks, which
# sanitizers do not follow.
find_path(RELACY_INCLUDE_DIR relacy/relacy.hpp)

# A set, and the seconds it takes on an idle machine.
foreach(set pairs:60 triples:110 stories:40 random:5)
	string(REPLACE ":" ";" set ${set})
	list(POP_BACK set seconds)
	set(name model_relacy_${set})
	if(NOT CMAKE_CXX_COMPILER OR NOT RELACY_INCLUDE_DIR OR
	   CMAKE_CXX_FLAGS MATCHES "-fsanitize")
		rota_test_disabled(${name} model)
		continue()
	endif()
	if(NOT TARGET relacy_test)
		add_executable(relacy_test relacy_test.cpp)
		target_include_directories(relacy_test PRIVATE
			${PROJECT_SOURCE_DIR} ${RELACY_INCLUDE_DIR})
		target_compile_definitions(relacy_test PRIVATE ROTA_RELACY)
		target_compile_options(relacy_test PRIVATE -O2 -w)
		set_target_properties(relacy_test PROPERTIES CXX_STANDARD 11)
	endif()
	add_test(NAME ${name} COMMAND relacy_test ${set})
	math(EXPR limit "${seconds} * 6 * ${ROTA_TIMEOUT_FACTOR}")
	# Up to a minute is for every run of the tests, more for the models.
	set(labels model)
	if(seconds GREATER 60)
		list(APPEND labels slow)
	endif()
	set_tests_properties(${name} PROPERTIES
		LABELS "${labels}" TIMEOUT ${limit})
endforeach()
if(NOT TARGET relacy_test)
	message(STATUS "rota: no relacy, or a sanitizer: tests disabled")
endif()
