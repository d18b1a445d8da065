# Builds librask with cargo and defines Rask::rask, Rask::static and Rask::cpp from it.
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "Rask: only Linux is supported so far, not ${CMAKE_SYSTEM_NAME}")
endif()
if(CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "Rask: cross-compiling is not supported so far")
endif()

find_program(RASK_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT RASK_CARGO)
  message(FATAL_ERROR "Rask is written in Rust and needs cargo, which was not found; see script/bootstrap")
endif()

# "release" also under CMAKE_BUILD_TYPE=Debug: who debugs a program seldom wants a slow library in it.
set(RASK_CARGO_PROFILE "release" CACHE STRING "The cargo profile that librask is built with")
set_property(CACHE RASK_CARGO_PROFILE PROPERTY STRINGS release dev)
set(RASK_CARGO_TARGET_DIR "$ENV{RASK_CARGO_TARGET_DIR}" CACHE PATH
    "Where cargo builds; empty: in the build tree. Several build trees may share one")

set(rask_target_dir "${RASK_CARGO_TARGET_DIR}")
if(NOT rask_target_dir)
  set(rask_target_dir "${CMAKE_CURRENT_BINARY_DIR}/cargo")
endif()
set(rask_profile_dir "${RASK_CARGO_PROFILE}")
if(RASK_CARGO_PROFILE STREQUAL "dev")
  set(rask_profile_dir "debug") # cargo's one exception
endif()

set(rask_include_dir "${CMAKE_CURRENT_SOURCE_DIR}/include")
set(rask_cpp_include_dir "${CMAKE_CURRENT_SOURCE_DIR}/bindings/cpp/include")
set(rask_lib_dir "${CMAKE_CURRENT_BINARY_DIR}/lib")
include("${CMAKE_CURRENT_LIST_DIR}/RaskTargets.cmake")
set_property(TARGET Rask::rask Rask::static Rask::cpp PROPERTY IMPORTED_GLOBAL TRUE)

# Programs ask the loader for the SONAME, so the build tree needs the same links as an installation.
file(MAKE_DIRECTORY "${rask_lib_dir}")
file(CREATE_LINK "${rask_shared_name}" "${rask_lib_dir}/${rask_soname}" SYMBOLIC)
file(CREATE_LINK "${rask_soname}" "${rask_lib_dir}/librask.so" SYMBOLIC)

# For pkg-config in the build tree: how the Go binding finds the library there.
set(rask_pc_dir "${CMAKE_CURRENT_BINARY_DIR}/pkgconfig")
list(TRANSFORM rask_native_libs PREPEND "-l" OUTPUT_VARIABLE rask_pc_native_libs)
list(JOIN rask_pc_native_libs " " rask_pc_native_libs)
configure_file(cmake/rask-build.pc.in pkgconfig/rask.pc @ONLY)

# Only cargo knows what librask is made of, so every build asks it; it answers at once when nothing has changed, and
# copy_if_different then leaves the libraries' times alone so that nobody links again.
# A make above us offers its job server to recursive makes only; cargo must not mistake it for its own.
set(rask_all "")
if(PROJECT_IS_TOP_LEVEL OR RASK_INSTALL)
  set(rask_all ALL)
endif()
add_custom_target(rask_cargo ${rask_all}
  COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS --unset=MFLAGS
          "${RASK_CARGO}" build --locked --lib --profile "${RASK_CARGO_PROFILE}"
          --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml" --target-dir "${rask_target_dir}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${rask_target_dir}/${rask_profile_dir}/librask.so" "${rask_lib_dir}/${rask_shared_name}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${rask_target_dir}/${rask_profile_dir}/librask.a" "${rask_lib_dir}/librask.a"
  BYPRODUCTS "${rask_lib_dir}/${rask_shared_name}" "${rask_lib_dir}/librask.a"
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "Building librask with cargo"
  USES_TERMINAL VERBATIM)
add_dependencies(Rask::rask rask_cargo)
add_dependencies(Rask::static rask_cargo)
