#include "cpu/draws.h"

namespace numeral::cpu {

void DrawBlock(const DrawKey& key, int64_t first_element, uint32_t* bits) {
  // Philox4x32 with the loops exchanged: one round over all counters vectorises, ten rounds of one
  // counter do not.
  constexpr int kCounters = kDrawElems / 4;
  alignas(64) uint32_t lane0[kCounters], lane1[kCounters], lane2[kCounters], lane3[kCounters];
  const uint32_t first = static_cast<uint32_t>(static_cast<uint64_t>(first_element) >> 2);
  for (int i = 0; i < kCounters; ++i) {
    lane0[i] = first + static_cast<uint32_t>(i);
    lane1[i] = static_cast<uint32_t>(key.step);
    lane2[i] = static_cast<uint32_t>(key.step >> 32);
    lane3[i] = key.stream;
  }
  uint32_t key0 = static_cast<uint32_t>(key.seed), key1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kCounters; ++i) {
      const uint64_t product0 = uint64_t{0xD2511F53u} * lane0[i];
      const uint64_t product1 = uint64_t{0xCD9E8D57u} * lane2[i];
      lane0[i] = static_cast<uint32_t>(product1 >> 32) ^ lane1[i] ^ key0;
      lane1[i] = static_cast<uint32_t>(product1);
      lane2[i] = static_cast<uint32_t>(product0 >> 32) ^ lane3[i] ^ key1;
      lane3[i] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int i = 0; i < kCounters; ++i) {
    bits[4 * i] = lane0[i];
    bits[4 * i + 1] = lane1[i];
    bits[4 * i + 2] = lane2[i];
    bits[4 * i + 3] = lane3[i];
  }
}

}  // namespace numeral::cpu
