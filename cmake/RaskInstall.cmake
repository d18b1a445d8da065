# What `cmake --install` lays down: the headers, both libraries, and what find_package and pkg-config read. Everything
# finds the rest relative to itself, so that the prefix may be moved afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(FILES include/rask.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY bindings/cpp/include/rask DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${rask_lib_dir}/${rask_shared_name}" "${rask_lib_dir}/${rask_soname}" "${rask_lib_dir}/librask.so"
              "${rask_lib_dir}/librask.a"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/rask")

set(rask_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Rask")
configure_package_config_file(cmake/RaskConfig.cmake.in RaskConfig.cmake
  INSTALL_DESTINATION "${rask_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
set(rask_compatibility SameMajorVersion)
if(PROJECT_VERSION VERSION_LESS 1)
  set(rask_compatibility SameMinorVersion) # semver: before 1.0 each minor version may break
endif()
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/RaskConfigVersion.cmake"
  COMPATIBILITY ${rask_compatibility})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/RaskConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/RaskConfigVersion.cmake"
              cmake/RaskTargets.cmake
        DESTINATION "${rask_cmake_dir}")

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE rask_pc_to_prefix)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE rask_pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE rask_pc_includedir)
configure_file(cmake/rask.pc.in rask.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/rask.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
