# cmake -DPROGRAM=… -DBASE=… -DOUT=… -P run.cmake: runs one example with the arguments in BASE.args and compares what it
# prints with BASE.expected; see CMakeLists.txt.
cmake_policy(VERSION 3.25) # an @OUT@ in quotes is just that
file(REMOVE_RECURSE "${OUT}")
file(MAKE_DIRECTORY "${OUT}")

set(arguments "")
if(EXISTS "${BASE}.args")
  file(READ "${BASE}.args" arguments)
  separate_arguments(arguments UNIX_COMMAND "${arguments}")
  list(TRANSFORM arguments REPLACE "@OUT@" "${OUT}")
endif()

if(NOT EXISTS "${BASE}.expected")
  execute_process(COMMAND "${PROGRAM}" ${arguments} COMMAND_ERROR_IS_FATAL ANY)
  return()
endif()

execute_process(COMMAND "${PROGRAM}" ${arguments} OUTPUT_FILE "${OUT}.stdout" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND diff -u "${BASE}.expected" "${OUT}.stdout" RESULT_VARIABLE differs)
if(NOT differs EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} does not print what ${BASE}.expected says")
endif()
