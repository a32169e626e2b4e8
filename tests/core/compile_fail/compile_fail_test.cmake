# cmake -D COMPILER=... -D INCLUDES=a;b -D SOURCE=x.cpp -D BAD_LINES=n -D MESSAGE=regex -P this
#
# The source must compile without its bad lines, and fail with each and with the message: without
# both halves a mistake in the test itself would look like success.
list(TRANSFORM INCLUDES PREPEND -I)
set(command ${COMPILER} -std=c++20 -fsyntax-only ${INCLUDES} ${SOURCE})

foreach(bad_line RANGE 0 ${BAD_LINES})
  execute_process(COMMAND ${command} -DCAIRN_BAD_LINE=${bad_line} RESULT_VARIABLE result
    ERROR_VARIABLE text)
  if(bad_line EQUAL 0)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "${SOURCE} does not compile without its bad lines:\n${text}")
    endif()
  elseif(result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} compiles with bad line ${bad_line}")
  elseif(NOT text MATCHES "${MESSAGE}")
    message(FATAL_ERROR "bad line ${bad_line} fails for another reason:\n${text}")
  endif()
endforeach()
