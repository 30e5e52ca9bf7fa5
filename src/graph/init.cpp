// Initial values of parameters, and their way between file order and memory order.
#include <cmath>

#include "graph/graph.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {
namespace {

double UniformBound(const Param& param) {
  switch (param.init.kind) {
    case InitSpec::Kind::kGlorotUniform:
      return std::sqrt(6 / (param.fan_in + param.fan_out));
    case InitSpec::Kind::kKaimingUniform:
      return 1 / std::sqrt(param.fan_in);
    default:
      return param.init.bound;
  }
}

// Calls f(memory index, file index) for every element.
template <typename F>
void ForEachElement(const Param& param, F f) {
  const std::vector<int32_t> rows = param.row_order.StoredToLogical();
  const std::vector<int32_t> cols = param.col_order.StoredToLogical();
  size_t memory = 0;
  for (const int32_t row : rows) {
    const size_t begin = static_cast<size_t>(row) * cols.size();
    for (const int32_t col : cols) f(memory++, begin + static_cast<size_t>(col));
  }
}

}  // namespace

std::vector<float> InitialValues(const Graph& graph, const Param& param, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(param.elems()));
  const uint32_t stream = StreamId("init/" + graph.name + "/" + param.name);
  const auto fill = [&](auto value_at) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = value_at(i);
  };
  switch (param.init.kind) {
    case InitSpec::Kind::kZeros:
      break;
    case InitSpec::Kind::kOnes:
      fill([](size_t) { return 1.0f; });
      break;
    case InitSpec::Kind::kNormal:
      fill([&](size_t i) {
        return std::fma(static_cast<float>(param.init.std), DrawNormal(seed, stream, 0, i),
                        static_cast<float>(param.init.mean));
      });
      break;
    default: {
      const float bound = static_cast<float>(UniformBound(param));
      fill([&](size_t i) { return bound * SignedUnitFromBits(DrawBits(seed, stream, 0, i)); });
    }
  }
  return values;
}

std::vector<float> FileToMemory(const Param& param, const std::vector<float>& file) {
  NUMERAL_CHECK(static_cast<int64_t>(file.size()) == param.elems());
  std::vector<float> memory(file.size());
  ForEachElement(param, [&](size_t m, size_t f) { memory[m] = file[f]; });
  return memory;
}

std::vector<float> MemoryToFile(const Param& param, const std::vector<float>& memory) {
  NUMERAL_CHECK(static_cast<int64_t>(memory.size()) == param.elems());
  std::vector<float> file(memory.size());
  ForEachElement(param, [&](size_t m, size_t f) { file[f] = memory[m]; });
  return file;
}

}  // namespace numeral
