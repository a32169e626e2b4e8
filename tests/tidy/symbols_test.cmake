# Libraries never print, never exit, never read the environment or the wall clock: checked on what
# they import, so that macros and inlined calls count too. LIBRARIES is a list of archives.
#
# Not abort: the standard library's own checks call it. And system_environment() is there to read the
# environment, for callers who want that.
#
# With EXPECT_FINDING the check must fail: that run shows that it can.
set(banned
  "std::(cout|cerr|clog|cin)" "stdout" "stderr" "f?printf" "__f?printf_chk" "v?f?printf" "puts" "putchar" "perror"
  "exit" "quick_exit" "getenv" "secure_getenv" "rand" "srand" "random" "time" "system")
list(JOIN banned "|" banned)

set(findings "")
foreach(library IN LISTS LIBRARIES)
  execute_process(COMMAND ${NM} --demangle --undefined-only --print-file-name ${library}
    OUTPUT_VARIABLE symbols ERROR_QUIET RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "cannot list the symbols of ${library}")
  endif()
  string(REGEX MATCHALL "[^\n]* U (${banned})(@[^\n]*)?\n" matches "${symbols}")
  list(FILTER matches EXCLUDE REGEX ":environment\\.cpp\\.o: +U getenv")
  list(APPEND findings ${matches})
endforeach()

if(EXPECT_FINDING AND NOT findings)
  message(FATAL_ERROR "found nothing where something is known to be: the check is broken")
elseif(findings AND NOT EXPECT_FINDING)
  list(JOIN findings "" findings)
  message(FATAL_ERROR "a library imports what only the program may use:\n${findings}")
endif()
