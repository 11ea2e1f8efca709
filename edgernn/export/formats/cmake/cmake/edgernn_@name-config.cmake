# SPDX-License-Identifier: Apache-2.0
include(CMakeFindDependencyMacro)
find_dependency(edgernn @release EXACT)
include(${CMAKE_CURRENT_LIST_DIR}/edgernn_@name-targets.cmake)
