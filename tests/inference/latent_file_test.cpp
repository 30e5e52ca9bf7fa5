// Latents come back from files to the bit, and what is no latent is refused.
#include "inference/latent_file.h"

#include <bit>
#include <cstring>

#include "data/npy.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/data/npy_file.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"
#include "util/random.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Floats of every size, by their bits; the first ones are the odd ones.
std::vector<float> OddFloats(size_t count) {
  std::vector<float> values{
      0.0f,          -0.0f,          1.0f,     0.1f,       1e-45f,          -1e-38f,
      3.4028235e38f, -3.4028235e38f, 1 / 3.0f, 16777216.f, 1.17549435e-38f, 123456.79f};
  for (uint32_t i = 0; values.size() < count; ++i) {
    const float value = std::bit_cast<float>(DrawBits(1, 1, 0, i));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

void Save(const fs::path& file, std::span<const float> latents, int64_t size) {
  LatentWriter writer(file, static_cast<int64_t>(latents.size()) / size, size);
  writer.Write(latents);
  writer.Commit();
}

}  // namespace

TEST_CASE("latents come back to the bit", "[inference]") {
  const TempFolder folder;
  const std::vector<float> values = OddFloats(3000);
  for (const char* name : {"one.txt", "one.npy"}) {
    Save(folder.path() / name, values, 3000);
    CHECK(SameBits(ReadLatents(folder.path() / name, 3000), values));
  }
  Save(folder.path() / "rows.npy", values, 30);
  CHECK(SameBits(ReadLatents(folder.path() / "rows.npy", 30), values));
  CHECK(ReadNpyFloats(folder.path() / "rows.npy").shape == std::vector<int64_t>{100, 30});
  CHECK(ReadFile(folder.path() / "one.txt") == LatentText(values));
  CHECK(LatentText(std::vector<float>{0.1f, -2, 1e-45f}) == "0.1\n-2\n1e-45\n");
  // One dimension is one latent; doubles are rounded.
  WriteBytes(folder.path() / "flat.npy", FloatNpy(std::span(values), {3000}));
  CHECK(SameBits(ReadLatents(folder.path() / "flat.npy", 3000), values));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 4);
}

TEST_CASE("a latent that a hand wrote is read", "[inference]") {
  const TempFolder folder;
  const fs::path file = folder.path() / "hand.txt";
  for (const char* text :
       {"1.5\n-2\n3e-1", "1.5\n-2\n3e-1\n", "\n 1.5\t\r\n\r\n\t-2.0\n\n.3\n  \n"}) {
    WriteBytes(file, text);
    CHECK(ReadLatents(file, 3) == std::vector<float>{1.5f, -2, 0.3f});
  }
}

TEST_CASE("what is no latent is refused by file and line", "[inference]") {
  const TempFolder folder;
  const auto refusal = [&](const std::string& name, const std::string& bytes, int64_t size) {
    const fs::path file = folder.path() / name;
    if (!bytes.empty()) WriteBytes(file, bytes);
    const std::string message = MessageOf(ErrorKind::kBadInput, [&] { ReadLatents(file, size); });
    CheckMentions(message, {file.string()});
    CHECK(message.find('\n') == std::string::npos);
    return message;
  };
  refusal("absent.txt", "", 2);
  refusal("absent.npy", "", 2);
  for (const char* name : {"a.png", "a", "txt", "a.TXT"}) {
    CheckMentions(refusal(name, "1\n2\n", 2), {".txt", ".npy"});
  }
  CheckMentions(refusal("a.txt", "1\n2\n3\n", 2), {"3 numbers", "takes 2"});
  CheckMentions(refusal("a.txt", "1\n", 2), {"1 numbers", "takes 2"});
  CheckMentions(refusal("a.txt", " \n", 2), {"0 numbers", "takes 2"});
  CheckMentions(refusal("a.txt", "1\n\ntwo\n", 2), {"line 3", "\"two\""});
  CheckMentions(refusal("a.txt", "1 2\n", 2), {"line 1", "\"1 2\""});
  CheckMentions(refusal("a.txt", "1,\n2\n", 2), {"line 1", "\"1,\""});
  CheckMentions(refusal("a.txt", "1\n0x10\n", 2), {"line 2", "\"0x10\""});
  CheckMentions(refusal("a.txt", "1\n1e99\n", 2), {"line 2", "\"1e99\""});
  CheckMentions(refusal("a.txt", "1\nnan\n", 2), {"number 2 of latent 1", "nan"});
  CheckMentions(refusal("a.txt", "-inf\n1\n", 2), {"number 1 of latent 1", "-inf"});
  CHECK(refusal("a.txt", std::string(100'000, 'x'), 2).size() < 200);

  std::vector<float> values{1, 2, 3, 4, 5, 6};
  CheckMentions(refusal("a.npy", FloatNpy(std::span(values), {2, 3}), 2), {"3 numbers", "takes 2"});
  CheckMentions(refusal("a.npy", FloatNpy(std::span(values), {6}), 2), {"6 numbers", "takes 2"});
  CheckMentions(refusal("a.npy", FloatNpy(std::span(values).first(0), {0, 2}), 2), {"no latent"});
  values[4] = std::numeric_limits<float>::quiet_NaN();
  CheckMentions(refusal("a.npy", FloatNpy(std::span(values), {3, 2}), 2), {"number 1 of latent 3"});
  CheckMentions(refusal("a.npy", "1\n2\n", 2), {"no .npy"});
}

TEST_CASE("latents are written to their kinds of files only", "[inference]") {
  const TempFolder folder;
  const std::vector<float> values{1, 2, 3, 4};
  const auto refusal = [&](const std::string& name) {
    return MessageOf(ErrorKind::kBadInput, [&] { LatentWriter(folder.path() / name, 2, 2); });
  };
  CheckMentions(refusal("a.txt"), {"a.txt", "there are 2", ".npy"});
  CheckMentions(refusal("a.bin"), {"a.bin", ".txt", ".npy"});
  {  // Nothing appears before it is complete.
    LatentWriter writer(folder.path() / "a.npy", 2, 2);
    writer.Write(std::span(values).first(2));
    MessageOf(ErrorKind::kFailure, [&] { writer.Commit(); });
    CHECK_FALSE(fs::exists(folder.path() / "a.npy"));
  }
  CHECK(fs::is_empty(folder.path()));
  LatentWriter writer(folder.path() / "a.npy", 2, 2);
  writer.Write(std::span(values).first(2));
  writer.Write(std::span(values).last(2));
  writer.Commit();
  CHECK(ReadFile(folder.path() / "a.npy") == FloatNpy(values, {2, 2}));
}

}  // namespace numeral
