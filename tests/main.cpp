// Where main() comes from: compiled here for Catch2 2, linked in (Catch2::Catch2WithMain) for
// Catch2 3.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
