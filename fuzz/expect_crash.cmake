# Succeeds only if PROGRAM crashes on the input in CORPUS. Mere failure, such as exit code 2 for a
# corpus that cannot be read, does not count. A script instead of WILL_FAIL, because ctest counts
# death by a signal as a failure in any case.
execute_process(COMMAND ${PROGRAM} ${CORPUS}/crash RESULT_VARIABLE result ERROR_VARIABLE errors
  OUTPUT_QUIET)
if(result MATCHES "^[0-9]+$" AND NOT errors MATCHES "ERROR: (libFuzzer|AddressSanitizer)")
  message(FATAL_ERROR "expected a crash, got exit code ${result}\n${errors}")
endif()
message(STATUS "crashed as expected: ${result}")
