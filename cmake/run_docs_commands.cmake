# SPDX-License-Identifier: MIT
# One test case: runs the commands of the documentation page PAGE in an empty folder SCRATCH, with BUILD's ingot in the PATH.
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
execute_process(COMMAND ${PYTHON} ${TOOL} sh ${PAGE} WORKING_DIRECTORY ${SOURCE} OUTPUT_FILE ${SCRATCH}/commands.sh
    COMMAND_ERROR_IS_FATAL ANY)
set(ENV{PATH} "${BUILD}:$ENV{PATH}")
execute_process(COMMAND bash -x commands.sh WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "the commands of ${PAGE} ended with status ${status}")
endif()
file(REMOVE_RECURSE ${SCRATCH})
