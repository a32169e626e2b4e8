# Installs BUILD_DIR to a fresh prefix below WORK_DIR, then configures, builds and runs the consumer and
# docs/examples/minimal.cpp against that prefix only. Also: no flag or path of our own build may leak into what is exported.
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

# The example backs a file up, and brings it back as it was.
set(scene ${WORK_DIR}/scene)
set(restored ${scene}/restored${scene}/source/file)
file(WRITE ${scene}/source/file "what an example program backs up\n")
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env CAIRN_CACHE_DIR=${scene}/cache
    ${consumer}/minimal ${scene}/repository ${scene}/source ${scene}/restored
  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(FIND "${output}" "${scene}/source/file" position)
if(position EQUAL -1)
  message(FATAL_ERROR "the example printed \"${output}\", and does not list the file")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${scene}/source/file ${restored}
  COMMAND_ERROR_IS_FATAL ANY)
# A second run finds a repository there, and says so.
execute_process(COMMAND ${consumer}/minimal ${scene}/repository ${scene}/source ${scene}/restored
  RESULT_VARIABLE status ERROR_VARIABLE error)
if(NOT status EQUAL 1 OR NOT error MATCHES "${scene}/repository")
  message(FATAL_ERROR "the example ended with ${status} and said \"${error}\"")
endif()
