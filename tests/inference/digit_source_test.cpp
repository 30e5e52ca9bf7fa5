// Sources of digits against the generators behind them.
#include "inference/digit_source.h"

#include "tests/catch.h"
#include "tests/inference/made_generators.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

struct Made {
  TempFolder folder;
  std::unique_ptr<Engine> engine = MakeCpuEngine({.poison = true});

  Weights Vivid(const std::string& name, bool conditional, uint64_t seed,
                int latent_size = 6) const {
    WriteVividGenerator(folder.path() / name, conditional, seed, latent_size);
    return LoadWeights(folder.path() / name);
  }
  std::array<Weights, kDigits> Ten() const {
    std::array<Weights, kDigits> weights;
    for (size_t i = 0; i < kDigits; ++i) {
      weights[i] = Vivid("g" + std::to_string(i) + ".bin", false, 20 + i);
    }
    return weights;
  }
};

std::vector<int32_t> Any(size_t count) { return std::vector<int32_t>(count, kAnyDigit); }

// The same in parts of those sizes.
DrawnDigits InParts(DigitSource& source, const std::vector<int32_t>& digits,
                    std::initializer_list<size_t> sizes) {
  DrawnDigits drawn;
  size_t first = 0;
  for (const size_t size : sizes) {
    drawn.Append(source.Draw(std::span(digits).subspan(first, size)));
    first += size;
  }
  REQUIRE(first == digits.size());
  return drawn;
}

void CheckSame(const DrawnDigits& a, const DrawnDigits& b) {
  CHECK((a.pixels == b.pixels));
  CHECK(a.digits == b.digits);
  CHECK(a.latents == b.latents);
}

std::vector<uint8_t> Image(const DrawnDigits& drawn, size_t i) {
  const auto at = drawn.pixels.begin() + static_cast<int64_t>(i * kImagePixels);
  return {at, at + kImagePixels};
}

std::vector<float> Latent(const DrawnDigits& drawn, size_t i, size_t size = 6) {
  const auto at = drawn.latents.begin() + static_cast<int64_t>(i * size);
  return {at, at + static_cast<int64_t>(size)};
}

}  // namespace

TEST_CASE("a conditional generator draws any digit", "[inference]") {
  const Made made;
  const Weights weights = made.Vivid("g.bin", true, 4);
  const auto source = SourceOfGenerator(weights, *made.engine, 1.5);
  CHECK(source->KnowsDigits());
  CHECK(source->NeedsDigits());
  CHECK(source->latent_size() == 6);

  Generator generator(weights, *made.engine);
  const GeneratorInputs inputs = generator.DrawInputs(1, 523, 1.5, EveryDigit(523));
  const DrawnDigits all = source->Draw(Any(523));
  CHECK((all.pixels == generator.Draw(inputs)));
  CHECK(all.digits == EveryDigit(523));
  CHECK(all.latents == inputs.latents[0]);
  CHECK(Image(all, 0) != Image(all, 10));  // two of one digit

  source->Restart(1);
  CheckSame(InParts(*source, Any(523), {7, 1, 0, 15, 251, 249}), all);
  // Digits that are named take the latents of their places, and any digit goes by the place.
  source->Restart(8);
  const std::vector<int32_t> wanted{3, 3, kAnyDigit, 9, kAnyDigit, 0};
  const std::vector<int32_t> expected{3, 3, 2, 9, 4, 0};
  const DrawnDigits drawn = InParts(*source, wanted, {2, 4});
  CHECK(drawn.digits == expected);
  const GeneratorInputs others = generator.DrawInputs(8, 6, 1.5, expected);
  CHECK((drawn.pixels == generator.Draw(others)));
  CHECK(drawn.latents == others.latents[0]);
}

TEST_CASE("given latents give the same image again", "[inference]") {
  const Made made;
  const auto source = SourceOfGenerator(made.Vivid("g.bin", true, 4), *made.engine, 1);
  const DrawnDigits drawn = source->Draw(Any(300));
  CHECK((source->Render(drawn.latents, drawn.digits) == drawn.pixels));
  for (const size_t i : {size_t{0}, size_t{17}, size_t{299}}) {
    const std::vector<int32_t> digit{drawn.digits[i]}, other{(drawn.digits[i] + 1) % 10};
    CHECK((source->Render(Latent(drawn, i), digit) == Image(drawn, i)));
    CHECK((source->Render(Latent(drawn, i), other) != Image(drawn, i)));
  }
  for (const int32_t digit : {kAnyDigit, 10}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] { source->Render(Latent(drawn, 0), std::vector{digit}); }),
                  {"g.bin", "0 to 9"});
  }
  // Rendering goes on in no stream.
  const DrawnDigits next = source->Draw(Any(1));
  source->Restart(1);
  CHECK(Image(source->Draw(Any(301)), 300) == Image(next, 0));
}

TEST_CASE("digits that a generator cannot draw are refused", "[inference]") {
  const Made made;
  const Weights conditional = made.Vivid("g.bin", true, 4), plain = made.Vivid("u.bin", false, 4);
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [&] { SourceOfGenerator(conditional, *made.engine, 1, 3); }),
      {"g.bin", "3"});
  const auto refusal = [](DigitSource& source, const std::vector<int32_t>& digits) {
    return MessageOf(ErrorKind::kBadInput, [&] { source.Draw(digits); });
  };
  const auto any = SourceOfGenerator(conditional, *made.engine, 1);
  const DrawnDigits first = any->Draw(Any(2));
  any->Restart(1);
  for (const int32_t digit : {10, -2})
    CheckMentions(refusal(*any, {1, digit}), {"g.bin", "0 to 9"});
  CheckSame(any->Draw(Any(2)), first);

  const auto unknown = SourceOfGenerator(plain, *made.engine, 1);
  CHECK_FALSE(unknown->KnowsDigits());
  CHECK_FALSE(unknown->NeedsDigits());
  CheckMentions(refusal(*unknown, {kAnyDigit, 3}), {"u.bin", "--classifier"});
  const DrawnDigits nobody_knows = unknown->Draw(Any(3));
  CHECK(nobody_knows.digits == Any(3));
  CHECK((unknown->Render(nobody_knows.latents, Any(3)) == nobody_knows.pixels));

  const auto fours = SourceOfGenerator(plain, *made.engine, 1, 4);
  CHECK(fours->KnowsDigits());
  CHECK_FALSE(fours->NeedsDigits());
  CheckMentions(refusal(*fours, {4, 3}), {"u.bin", "nothing but 4", "3"});
  const DrawnDigits drawn = fours->Draw(std::vector<int32_t>{4, kAnyDigit, 4});
  CHECK(drawn.digits == std::vector<int32_t>{4, 4, 4});
  CHECK((drawn.pixels == nobody_knows.pixels));
}

TEST_CASE("of ten generators each draws its digit", "[inference]") {
  const Made made;
  const std::array<Weights, kDigits> weights = made.Ten();
  const auto source = SourceOfTen(weights, *made.engine, 0.7);
  CHECK(source->KnowsDigits());
  CHECK(source->NeedsDigits());
  CHECK(source->latent_size() == 6);

  std::vector<int32_t> wanted = EveryDigit(25);
  wanted.insert(wanted.end(), {7, 3, 3, 0, 7, 7, kAnyDigit, kAnyDigit, 1, kAnyDigit});
  const DrawnDigits drawn = source->Draw(wanted);
  wanted[31] = 1;
  wanted[32] = 2;
  wanted[34] = 4;
  CHECK(drawn.digits == wanted);
  // Each generator has a stream of its own.
  std::vector<DrawnDigits> own;
  std::vector<size_t> used(kDigits);
  for (size_t digit = 0; digit < kDigits; ++digit) {
    own.push_back(SourceOfGenerator(weights[digit], *made.engine, 0.7)->Draw(Any(10)));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto digit = static_cast<size_t>(wanted[i]);
    INFO("image " << i << " of digit " << digit);
    CHECK(Image(drawn, i) == Image(own[digit], used[digit]));
    CHECK(Latent(drawn, i) == Latent(own[digit], used[digit]++));
  }
  CHECK((source->Render(drawn.latents, drawn.digits) == drawn.pixels));
  CHECK((source->Render(Latent(drawn, 27), std::vector{3}) == Image(drawn, 27)));

  source->Restart(1);
  std::vector<int32_t> mixed = Any(25);
  mixed.insert(mixed.end(), {7, 3, 3, 0, 7, 7, kAnyDigit, kAnyDigit, 1, kAnyDigit});
  CheckSame(InParts(*source, mixed, {3, 9, 1, 20, 2}), drawn);
  source->Restart(2);
  CHECK(source->Draw(Any(10)).latents != Latent(drawn, 0, 60));
}

TEST_CASE("ten generators that do not fit together are refused", "[inference]") {
  const Made made;
  std::array<Weights, kDigits> weights = made.Ten();
  const auto refusal = [&] {
    return MessageOf(ErrorKind::kBadInput, [&] { SourceOfTen(weights, *made.engine, 1); });
  };
  const auto source = SourceOfTen(weights, *made.engine, 1);
  for (const int32_t digit : {10, -2}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] {
                              source->Draw(std::vector{1, digit});
                            }),
                  {"0 to 9"});
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] {
                              source->Render(std::vector<float>(12), std::vector{1, digit});
                            }),
                  {"0 to 9"});
  }
  MessageOf(ErrorKind::kFailure, [&] {
    source->Render(std::vector<float>(11), std::vector{1, 2});
  });
  weights[8] = made.Vivid("g8.bin", false, 28, 7);
  CheckMentions(refusal(), {"g0.bin takes 6", "g8.bin takes 7"});
  weights[8] = made.Vivid("g8.bin", true, 28);
  CheckMentions(refusal(), {"g8.bin"});
}

TEST_CASE("given latents are drawn in their order", "[inference]") {
  const Made made;
  const Weights weights = made.Vivid("g.bin", true, 4);
  const DrawnDigits drawn =
      SourceOfGenerator(weights, *made.engine, 1)->Draw(std::vector<int32_t>{3, 1, 4, 1, 5});
  const auto source =
      SourceOfLatents(SourceOfGenerator(weights, *made.engine, 1), drawn.latents, "five.npy");
  CHECK(source->KnowsDigits());
  CHECK(source->NeedsDigits());
  CHECK(source->latent_size() == 6);
  CheckSame(InParts(*source, {3, 1, 4, 1, 5}, {2, 0, 3}), drawn);
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { source->Draw(std::vector{3}); }),
                {"five.npy", "5 latents", "6 images"});
  source->Restart(77);
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { source->Draw(EveryDigit(6)); }),
                {"five.npy", "5 latents", "6 images"});
  CheckSame(source->Draw(std::vector<int32_t>{3, 1, 4, 1, 5}), drawn);
  CHECK((source->Render(Latent(drawn, 2), std::vector{4}) == Image(drawn, 2)));
  source->Restart(1);
  MessageOf(ErrorKind::kBadInput, [&] { source->Draw(Any(1)); });  // nobody says which

  // Whoever draws one digit only is believed to draw what the caller says.
  const Weights plain = made.Vivid("u.bin", false, 4);
  const auto believed =
      SourceOfLatents(SourceOfGenerator(plain, *made.engine, 1), drawn.latents, "five.npy");
  const DrawnDigits said = believed->Draw(std::vector<int32_t>{9, kAnyDigit});
  CHECK(said.digits == std::vector<int32_t>{9, kAnyDigit});
  CHECK(Latent(said, 1) == Latent(drawn, 1));
  Generator generator(plain, *made.engine);
  CHECK((said.pixels ==
         generator.Draw({2, {{drawn.latents.begin(), drawn.latents.begin() + 12}}, {}})));
}

}  // namespace numeral
