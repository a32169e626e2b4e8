# Installs BUILD_DIR to a fresh prefix below WORK_DIR, then configures, builds and runs the consumer
# against that prefix only. Also: no flag or path of our own build may leak into what is exported.
foreach(variable BUILD_DIR WORK_DIR SOURCE_DIR VERSION GENERATOR COMPILER)
  if(NOT DEFINED ${variable})
    message(FATAL_ERROR "${variable} is not set")
  endif()
endforeach()

set(prefix ${WORK_DIR}/prefix)
set(consumer ${WORK_DIR}/consumer)
file(REMOVE_RECURSE ${WORK_DIR})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE exported ${prefix}/*.cmake)
if(NOT exported)
  message(FATAL_ERROR "no CMake package was installed")
endif()
foreach(file IN LISTS exported)
  file(READ ${file} text)
  foreach(leak cairn_build_flags -Wconversion -fsanitize ${BUILD_DIR})
    string(FIND "${text}" "${leak}" position)
    if(NOT position EQUAL -1)
      message(FATAL_ERROR "${file} exports ${leak}")
    endif()
  endforeach()
endforeach()

execute_process(
  COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE_DIR} -B ${consumer}
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER} -D CAIRN_EXPECTED_VERSION=${VERSION}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${consumer} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${consumer}/consumer OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(FIND "${output}" "${VERSION}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "the consumer printed \"${output}\", not version ${VERSION}")
endif()
