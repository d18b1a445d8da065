# How our own programs, tests and examples, are compiled: strictly.
find_package(Threads REQUIRED)

# rask_add_program(<target> <name> <source>...): a program of that name, linked to librask.
function(rask_add_program target name)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  # Structs that begin with their size grow: what was written before they did must go on compiling.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Werror)
  target_link_libraries(${target} PRIVATE Rask::rask Threads::Threads m)
endfunction()

# rask_add_cpp_program(<target> <name> <standard> <source>...): the same in C++17, 20 or 23.
function(rask_add_cpp_program target name standard)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  target_link_libraries(${target} PRIVATE Rask::cpp Threads::Threads)
endfunction()
