# SPDX-License-Identifier: MIT
#
# core/ and heap/ under relacy: what relacy_core.c lists; and what waits, in
# api/wait/: relacy_channels.cpp. Minutes in all. relacy changes stacks, which
# sanitizers do not follow.
find_path(RELACY_INCLUDE_DIR relacy/relacy.hpp)

set(relacy_can ON)
if(NOT CMAKE_CXX_COMPILER OR NOT RELACY_INCLUDE_DIR OR
   CMAKE_CXX_FLAGS MATCHES "-fsanitize")
	set(relacy_can OFF)
	message(STATUS "rota: no relacy, or a sanitizer: tests disabled")
endif()

# relacy_program(name source...)
function(relacy_program name)
	add_executable(${name} ${ARGN})
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}
		${PROJECT_SOURCE_DIR}/api ${RELACY_INCLUDE_DIR})
	target_compile_options(${name} PRIVATE -O2 -w)
	set_target_properties(${name} PROPERTIES CXX_STANDARD 11)
endfunction()

if(relacy_can)
	set(sources ${ROTA_SOURCES})
	list(FILTER sources INCLUDE REGEX "^(core|heap|wheel)/")
	list(TRANSFORM sources PREPEND "${PROJECT_SOURCE_DIR}/")
	# For what the compiler calls at each access: no sanitizer is linked.
	set_source_files_properties(${sources} PROPERTIES
		COMPILE_OPTIONS -fsanitize=thread)
	relacy_program(relacy_core relacy_core.c relacy_world.c
		relacy_words.cpp ${sources})
	target_compile_definitions(relacy_core PRIVATE
		"ROTA_RELACY=\"tests/model/relacy_words.h\""
		ROTA_HOSTILE=1 GROW_STEP=0 NODE_BITS=0 _GNU_SOURCE NDEBUG)
	target_compile_options(relacy_core PRIVATE -fno-strict-aliasing)
	set(waits channel wait select context)
	list(TRANSFORM waits REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/api/wait/\\1.c")
	relacy_program(relacy_channels relacy_channels.cpp ${waits})
	target_compile_options(relacy_channels PRIVATE
		"SHELL:$<$<COMPILE_LANGUAGE:C>:-include
		${CMAKE_CURRENT_SOURCE_DIR}/relacy_pthread.h -DROTA_HOSTILE>")
	target_compile_definitions(relacy_channels PRIVATE _GNU_SOURCE NDEBUG)
endif()

# A test, its program, its argument, and the seconds it takes on an idle
# machine. The limit is for a load of six on two processors: each runnable
# thread then has a third of one, whose caches it shares, and a test beside this
# one takes half of that. 15 times the idle time is more than was seen.
foreach(test
	pairs:relacy_core:pairs:25 triples:relacy_core:triples:110
	stories:relacy_core:stories:55
	all_stories:relacy_core:all_stories:90 random:relacy_core:random:5
	race:relacy_core:race:1 channels:relacy_channels:-1:8 channels_all:relacy_channels:0:110)
	string(REPLACE ":" ";" test ${test})
	list(GET test 0 name)
	list(GET test 1 program)
	list(GET test 2 set)
	list(GET test 3 seconds)
	set(name model_relacy_${name})
	if(NOT relacy_can)
		rota_test_disabled(${name} model)
		continue()
	endif()
	add_test(NAME ${name} COMMAND ${program} ${set})
	math(EXPR limit "(${seconds} * 15 + 60) * ${ROTA_TIMEOUT_FACTOR}")
	# Up to a minute is for every run of the tests, more for the models.
	set(labels model)
	if(seconds GREATER 60)
		list(APPEND labels slow)
	endif()
	set_tests_properties(${name} PROPERTIES
		LABELS "${labels}" TIMEOUT ${limit})
endforeach()
if(relacy_can)
	set_tests_properties(model_relacy_race PROPERTIES
		PASS_REGULAR_EXPRESSION "data race: write after read")
endif()
