# Text files as parts of a program: pages, styles and scripts that stay files of their own kind.
#
#   numeral_embed(numeral_report src/report/page.css src/report/page.js)
#
# and in a source of that target
#
#   constexpr std::string_view kStyle =
#   #include "src/report/page.css.inc"
#       ;
#
# The .inc is the file as a raw string literal, made again when the file changes. Paths are relative
# to the project's root. The text must not contain `)numeral"`.

if(CMAKE_SCRIPT_MODE_FILE)  # the build step: cmake -DIN=... -DOUT=... -P Embed.cmake
  file(READ ${IN} text)
  file(WRITE ${OUT} "R\"numeral(${text})numeral\"\n")
  return()
endif()

set(NUMERAL_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(numeral_embed target)
  foreach(file ${ARGN})
    set(in ${CMAKE_SOURCE_DIR}/${file})
    set(out ${CMAKE_BINARY_DIR}/embedded/${file}.inc)
    add_custom_command(
      OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -P ${NUMERAL_EMBED_SCRIPT}
      DEPENDS ${in} ${NUMERAL_EMBED_SCRIPT}
      VERBATIM)
    target_sources(${target} PRIVATE ${out})
  endforeach()
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/embedded)
endfunction()
