#include "cuda/engine/graph_size.h"

#include <algorithm>
#include <map>
#include <vector>

#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

struct Edges {
  std::vector<cudaGraphNode_t> from, to;
  std::vector<cudaGraphEdgeData> data;
};

Edges EdgesOf(cudaGraph_t graph) {
  const auto get = [&](cudaGraphNode_t* from, cudaGraphNode_t* to, cudaGraphEdgeData* data,
                       size_t* count) {
#if CUDART_VERSION >= 13000
    NUMERAL_CUDA(cudaGraphGetEdges(graph, from, to, data, count));
#else
    NUMERAL_CUDA(cudaGraphGetEdges_v2(graph, from, to, data, count));
#endif
  };
  size_t count = 0;
  get(nullptr, nullptr, nullptr, &count);
  Edges edges;
  edges.from.resize(count);
  edges.to.resize(count);
  edges.data.resize(count);
  if (count > 0) get(edges.from.data(), edges.to.data(), edges.data.data(), &count);
  return edges;
}

}  // namespace

GraphSize SizeOf(cudaGraph_t graph) {
  size_t count = 0;
  NUMERAL_CUDA(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  if (count > 0) NUMERAL_CUDA(cudaGraphGetNodes(graph, nodes.data(), &count));
  const Edges edges = EdgesOf(graph);
  std::map<cudaGraphNode_t, int64_t> paths;  // nodes on the longest path that ends there
  for (const cudaGraphNode_t node : nodes) paths[node] = 1;
  // Every round settles at least the nodes that are one further from the roots.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < edges.from.size(); ++i) {
      const int64_t path = paths[edges.from[i]] + 1;
      if (path <= paths[edges.to[i]]) continue;
      paths[edges.to[i]] = path;
      changed = true;
    }
  }
  GraphSize size{static_cast<int64_t>(nodes.size()), 0, 0};
  for (const cudaGraphEdgeData& edge : edges.data) {
    size.early_starts += edge.type == cudaGraphDependencyTypeProgrammatic;
  }
  for (const auto& [node, path] : paths) size.longest_path = std::max(size.longest_path, path);
  return size;
}

}  // namespace numeral::cuda
