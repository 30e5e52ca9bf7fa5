# Whether the CUDA engine is built: sets NUMERAL_CUDA_ENGINE, and where it is TRUE the language CUDA
# and the target numeral_cudnn.

set(NUMERAL_CUDA_ENGINE FALSE)
if(NOT NUMERAL_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  find_package(CUDAToolkit QUIET)
  find_path(CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(CMAKE_CUDA_COMPILER AND TARGET CUDA::cublasLt AND CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY)
    set(NUMERAL_CUDA_ENGINE TRUE)
  elseif(NUMERAL_CUDA STREQUAL "ON")
    message(FATAL_ERROR "NUMERAL_CUDA is ON: nvcc, cuBLASLt or cuDNN 9 was not found")
  endif()
endif()

if(NUMERAL_CUDA_ENGINE)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90)  # Hopper; a release lists 80;90;100;120
  endif()
  enable_language(CUDA)
  # CMake 3.25 does not know that nvcc 13 has it; targets take their standard from C++.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA_FLAGS_RELEASE "-O3")
  add_library(numeral_cudnn INTERFACE)
  target_include_directories(numeral_cudnn SYSTEM INTERFACE ${CUDNN_INCLUDE_DIR})
  target_link_libraries(numeral_cudnn INTERFACE ${CUDNN_LIBRARY})
endif()
message(STATUS "CUDA engine: ${NUMERAL_CUDA_ENGINE}")
