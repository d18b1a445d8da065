# Rask::rask, Rask::static and Rask::cpp. The build tree and an installation define them with this same file; whoever
# includes it sets rask_version, rask_include_dir, rask_cpp_include_dir and rask_lib_dir.

# What rustc names as native-static-libs, less gcc_s and c: every C compiler adds those two itself, and naming gcc_s
# would make `cc -static` impossible. The test install/native-static-libs compares this list with rustc's.
set(rask_native_libs util rt pthread m dl)

# The SONAME is set by build.rs; the test install/files compares.
string(REGEX MATCH "^[0-9]+" rask_soname "${rask_version}")
set(rask_soname "librask.so.${rask_soname}")
set(rask_shared_name "librask.so.${rask_version}")

add_library(Rask::rask SHARED IMPORTED)
set_target_properties(Rask::rask PROPERTIES
  IMPORTED_LOCATION "${rask_lib_dir}/${rask_shared_name}"
  IMPORTED_SONAME "${rask_soname}"
  INTERFACE_INCLUDE_DIRECTORIES "${rask_include_dir}")

add_library(Rask::static STATIC IMPORTED)
set_target_properties(Rask::static PROPERTIES
  IMPORTED_LOCATION "${rask_lib_dir}/librask.a"
  IMPORTED_LINK_INTERFACE_LANGUAGES C
  INTERFACE_INCLUDE_DIRECTORIES "${rask_include_dir}"
  INTERFACE_LINK_LIBRARIES "${rask_native_libs}")

# The C++ binding is headers.
add_library(Rask::cpp INTERFACE IMPORTED)
set_target_properties(Rask::cpp PROPERTIES
  INTERFACE_COMPILE_FEATURES cxx_std_17
  INTERFACE_INCLUDE_DIRECTORIES "${rask_cpp_include_dir}"
  INTERFACE_LINK_LIBRARIES Rask::rask)
