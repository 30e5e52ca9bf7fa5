#include "tools/generation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "inference/interpolation.h"
#include "inference/latent_file.h"
#include "serve/server.h"
#include "util/error.h"
#include "util/files.h"
#include "util/progress.h"
#include "util/random.h"
#include "util/shell.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Images that are in memory at a time, where they need not all be: a full batch for each of ten
// generators.
constexpr size_t kPart = size_t{kDigits} * Generator::kRows;
// Where a classifier chooses, a part may take long.
constexpr size_t kJudgedPart = 100;
// A number of the stream, as an end of an interpolation.
constexpr int64_t kFarthestEnd = 10000;
constexpr int64_t kDatasetImages = 60000;

// Digits of --number, or of --digits with commas between them.
std::vector<int32_t> ParseDigits(const std::string& option, const std::string& text, bool commas) {
  std::vector<int32_t> digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool comma = commas && i % 2 == 1;
    if (comma ? text[i] == ',' : text[i] >= '0' && text[i] <= '9') {
      if (!comma) digits.push_back(text[i] - '0');
      continue;
    }
    BadInput("{} {}: '{}' at place {} is not {}", option, text.substr(0, 40), text.substr(i, 1),
             i + 1, comma ? "a comma; digits are 0 to 9, such as 3,1,4" : "a digit 0 to 9");
  }
  if (digits.empty() || (commas && text.back() == ',')) {
    BadInput("{} \"{}\" must end with a digit", option, text.substr(0, 40));
  }
  return digits;
}

// "RxC".
std::pair<int64_t, int64_t> ParseGrid(const std::string& text) {
  int rows = 0, columns = 0;
  const char* end = text.data() + text.size();
  const auto [x, error] = std::from_chars(text.data(), end, rows);
  if (error == std::errc() && x != end && *x == 'x') {
    const auto [rest, other] = std::from_chars(x + 1, end, columns);
    if (other == std::errc() && rest == end && rows > 0 && columns > 0) return {rows, columns};
  }
  BadInput("--grid {}: write rows and columns as in 10x12", text);
}

void CheckCount(int64_t images) {
  if (images > kMostImages) {
    BadInput("{} images; at most {} are drawn at once", FormatCount(images),
             FormatCount(kMostImages));
  }
}

// Every one of `digits` `times` times, one after the other.
std::vector<int32_t> Repeated(const std::vector<int32_t>& digits, int64_t times) {
  CheckCount(static_cast<int64_t>(digits.size()) * times);
  std::vector<int32_t> repeated;
  for (const int32_t digit : digits) {
    repeated.insert(repeated.end(), static_cast<size_t>(times), digit);
  }
  return repeated;
}

// `count` digits: the given ones from the first again and again.
std::vector<int32_t> Cycled(const std::vector<int32_t>& digits, int64_t count) {
  CheckCount(count);
  std::vector<int32_t> cycled;
  for (int64_t i = 0; i < count; ++i) {
    cycled.push_back(digits[static_cast<size_t>(i) % digits.size()]);
  }
  return cycled;
}

std::vector<int32_t> RandomNumber(int length, bool leading_zero, uint64_t seed) {
  std::vector<int32_t> digits;
  for (int i = 0; i < length; ++i) {
    const uint32_t bits = DrawBits(seed, StreamId("number/digits"), 0, static_cast<uint64_t>(i));
    // A number of one digit may be zero.
    const bool no_zero = i == 0 && length > 1 && !leading_zero;
    digits.push_back(static_cast<int32_t>(no_zero ? 1 + ChoiceFromBits(bits, 9)
                                                  : ChoiceFromBits(bits, kDigits)));
  }
  return digits;
}

}  // namespace

Generation::Generation(const GenerationOptions& options)
    : o_(options), engine_(MakeEngine(o_.device)) {
  if (o_.format.empty()) o_.format = fs::path(o_.out).extension() == ".npy" ? "npy" : "png";
  source_ = MakeSource(o_.source, *engine_, [&](const std::string& text) { Note(text); });
}

bool Generation::Run() {
  if (o_.serve) {
    ServePage();
    return true;
  }
  if (!o_.number.empty() || o_.random_number > 0) return DrawNumberStrip();
  if (!o_.interpolate.empty()) return DrawInterpolation();
  if (!o_.fake_dir.empty()) return DrawFolder();
  return DrawImages();
}

// Draws a latent of the page again, with what the page adds: its file and digit.
std::string Generation::RedrawCommand() const {
  std::string command = "generate";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) command += fmt::format(" {} {}", name, ShellQuoted(value));
  };
  add("--generator", o_.source.generators.empty() ? source_.name : "");
  add("--generators", o_.source.generators);
  add("--generator-config", o_.source.generator_config);
  return command;
}

void Generation::ServePage() {
  ServeOptions serve;
  serve.port = o_.port;
  serve.seed = o_.source.seed;
  serve.title = source_.name;
  if (o_.source.digit != kAnyDigit) {
    serve.number = std::string(8, static_cast<char>('0' + o_.source.digit));
  }
  serve.redraw_command = RedrawCommand();
  Serve(std::move(source_.source), serve, [&](const std::string& text) { Note(text); });
}

void Generation::Note(const std::string& text) const {
  if (!o_.quiet) std::fputs((text + "\n").c_str(), stderr);
}

// --out, or a name by the format; its folder is made.
fs::path Generation::Out(const std::string& name) const {
  const fs::path out = !o_.out.empty()      ? o_.out
                       : o_.format == "idx" ? name
                                            : fmt::format("{}.{}", name, o_.format);
  if (out.has_parent_path()) MakeFolder(out.parent_path());
  for (const fs::path& written : {out, DigitsBeside(out)}) {
    if (!o_.save_latents.empty() &&
        fs::weakly_canonical(written) == fs::weakly_canonical(o_.save_latents)) {
      BadInput("--save-latents {} would replace the images; name another file", o_.save_latents);
    }
  }
  return out;
}

std::vector<int32_t> Generation::ChosenDigits() const {
  if (!o_.digits.empty()) return ParseDigits("--digits", o_.digits, true);
  if (o_.source.digit != kAnyDigit) return {static_cast<int32_t>(o_.source.digit)};
  const bool asked = source_.source->KnowsDigits() && source_.latents == 0;
  if (o_.all_digits || asked) return EveryDigit(kDigits);
  return {kAnyDigit};
}

Generation::Request Generation::NearSquare(std::vector<int32_t> digits) {
  const auto count = static_cast<int64_t>(digits.size());
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  return {std::move(digits), (count + columns - 1) / columns, columns};
}

Generation::Request Generation::FindRequest() const {
  if (o_.format == "idx") return OfDataset();
  if (source_.latents > 0 && o_.grid.empty() && o_.count == 0) return OfGivenLatents();
  const std::vector<int32_t> digits = ChosenDigits();
  const bool asked = o_.all_digits || !o_.digits.empty();
  if (o_.grid.empty() && o_.count > 0 && !asked) {
    return NearSquare(Repeated({kAnyDigit}, o_.count));
  }
  if (!o_.grid.empty() || !asked) {
    const auto [rows, columns] = ParseGrid(o_.grid.empty() ? "10x10" : o_.grid);
    if (!o_.digits.empty() && rows < static_cast<int64_t>(digits.size())) {
      BadInput("--grid {} has {} rows, a row for each digit, and there are {} digits", o_.grid,
               rows, digits.size());
    }
    return {Repeated(Cycled(digits, rows), columns), rows, columns};
  }
  const auto rows = static_cast<int64_t>(digits.size());
  const int64_t each = o_.count > 0 ? o_.count : o_.all_digits ? 10 : 1;
  CheckCount(rows * each);
  if (each == 1) return {digits, 1, rows};
  return {Repeated(digits, each), rows, each};
}

// All of them, as one digit or as the digits named.
Generation::Request Generation::OfGivenLatents() const {
  std::vector<int32_t> digits = ChosenDigits();
  if (digits.size() == 1) digits.resize(static_cast<size_t>(source_.latents), digits[0]);
  if (static_cast<int64_t>(digits.size()) != source_.latents) {
    BadInput("{} holds {} latents, there are {} digits for them", o_.source.latents,
             source_.latents, digits.size());
  }
  return NearSquare(digits);
}

// A test set follows the training set.
Generation::Request Generation::OfDataset() const {
  const int64_t count = o_.count > 0 ? o_.count : kDatasetImages;
  const int64_t test = o_.test_count > 0 ? o_.test_count : std::max<int64_t>(1, count / 6);
  if (!o_.grid.empty()) BadInput("--format idx has no rows and columns; --count says how many");
  const bool asked = o_.all_digits || !o_.digits.empty() || o_.source.digit != kAnyDigit;
  Request request{Cycled(asked ? ChosenDigits() : std::vector{kAnyDigit}, count + test), count,
                  test};
  const bool known = source_.source->KnowsDigits() && (source_.latents == 0 || asked);
  if (!known) {
    BadInput(
        "--format idx needs the digits of the images: let a --classifier read them, or name "
        "the generator's only --digit");
  }
  return request;
}

std::unique_ptr<ImageOutput> Generation::OutputOf(const Request& request) const {
  const auto count = static_cast<int64_t>(request.digits.size());
  if (o_.format == "idx") return IdxOutput(Out("generated"), request.rows, request.columns);
  if (o_.format == "npy") {
    const bool known =
        source_.latents > 0 ? request.digits[0] != kAnyDigit : source_.source->KnowsDigits();
    return NpyOutput(Out("generated"), count, known);
  }
  constexpr int64_t kMany = 1 << 20;  // more than a picture has room for
  return GridOutput(Out("generated"),
                    {.rows = static_cast<int>(std::min(request.rows, kMany)),
                     .columns = static_cast<int>(std::min(request.columns, kMany)),
                     .scale = o_.scale});
}

bool Generation::DrawImages() {
  const Request request = FindRequest();
  return Draw(request.digits, OutputOf(request));
}

bool Generation::DrawNumberStrip() {
  std::vector<int32_t> digits;
  if (o_.random_number > 0) {
    digits = RandomNumber(o_.random_number, o_.leading_zero, o_.source.seed);
  } else {
    digits = ParseDigits("--number", o_.number, false);
  }
  if (digits.size() > kMostNumberDigits) {
    BadInput("a number of {} digits; {} or fewer make a picture", digits.size(), kMostNumberDigits);
  }
  if (o_.format == "idx") BadInput("a number is one picture; --format is png or npy");
  if (o_.min_spacing > o_.max_spacing) {
    BadInput("--min-spacing {} is above --max-spacing {}", o_.min_spacing, o_.max_spacing);
  }
  const NumberLayout layout{.min_spacing = o_.min_spacing,
                            .max_spacing = o_.max_spacing,
                            .thousands_spacing = o_.thousands ? o_.thousands_spacing : 0,
                            .scale = o_.scale,
                            .seed = o_.source.seed};
  if (o_.random_number > 0) {
    std::string text;
    for (const int32_t digit : digits) text += static_cast<char>('0' + digit);
    Note("the number is " + text);
  }
  return Draw(digits, NumberOutput(Out("number"), layout, o_.format == "npy"));
}

std::vector<float> Generation::EndOfPath(const std::string& end) {
  DigitSource& source = *source_.source;
  if (const fs::path file(end); file.extension() == ".txt" || file.extension() == ".npy") {
    std::vector<float> latents = ReadLatents(file, source.latent_size());
    latents.resize(static_cast<size_t>(source.latent_size()));
    return latents;
  }
  int64_t number = -1;
  const char* last = end.data() + end.size();
  const auto [rest, error] = std::from_chars(end.data(), last, number);
  if (error != std::errc() || rest != last || number < 0 || number > kFarthestEnd) {
    BadInput(
        "--interpolate {}: \"{}\" is neither the number of a latent, 0 to {}, nor a .txt or "
        ".npy file",
        o_.interpolate, end, kFarthestEnd);
  }
  source.Restart(o_.source.seed);
  const int32_t digit = source.NeedsDigits() ? 0 : kAnyDigit;
  std::vector<float> latents;
  for (int64_t first = 0; first <= number; first += kPart) {
    const int64_t count = std::min<int64_t>(kPart, number + 1 - first);
    latents = source.Draw(Repeated({digit}, count)).latents;
  }
  return {latents.end() - source.latent_size(), latents.end()};
}

bool Generation::DrawInterpolation() {
  const size_t colon = o_.interpolate.find(':');
  if (colon == std::string::npos) {
    BadInput("--interpolate {}: write two ends as in 0:1 or a.txt:b.txt", o_.interpolate);
  }
  if (o_.format == "idx") BadInput("--interpolate makes a picture; --format is png or npy");
  DigitSource& source = *source_.source;
  std::vector<int32_t> digits{kAnyDigit};
  if (source.NeedsDigits()) digits = EveryDigit(kDigits);
  if (!o_.digits.empty()) digits = ParseDigits("--digits", o_.digits, true);
  const std::vector<float> path =
      Interpolate(EndOfPath(o_.interpolate.substr(0, colon)),
                  EndOfPath(o_.interpolate.substr(colon + 1)), o_.steps);
  const auto rows = static_cast<int64_t>(digits.size());
  const Request request{Repeated(digits, o_.steps), rows, o_.steps};
  std::vector<float> latents;
  for (int64_t row = 0; row < rows; ++row) latents.insert(latents.end(), path.begin(), path.end());
  source_ = {source_.name,
             SourceOfLatents(std::move(source_.source), std::move(latents), o_.interpolate),
             rows * o_.steps};
  return Draw(request.digits, OutputOf(request));
}

bool Generation::DrawFolder() {
  if (!o_.out.empty()) BadInput("--fake-dir names the folder; there is no --out beside it");
  std::vector<int32_t> digits = ChosenDigits();
  if (digits[0] == kAnyDigit) {
    BadInput(
        "--fake-dir sorts images by digit: name the --digits, or let a --classifier read them");
  }
  std::ranges::sort(digits);
  if (std::ranges::adjacent_find(digits) != digits.end()) {
    BadInput("--digits {}: each digit once; --per-digit says how many of it", o_.digits);
  }
  MakeFolder(o_.fake_dir);
  const std::vector<int32_t> wanted =
      Cycled(digits, o_.per_digit * static_cast<int64_t>(digits.size()));
  return Draw(wanted, FolderOutput(o_.fake_dir, o_.per_digit, source_.source->latent_size()));
}

bool Generation::Draw(const std::vector<int32_t>& digits, std::unique_ptr<ImageOutput> output) {
  const std::span all(digits);
  std::unique_ptr<ImageOutput> latents;
  if (!o_.save_latents.empty()) {
    const fs::path folder = fs::path(o_.save_latents).parent_path();
    if (!folder.empty()) MakeFolder(folder);
    latents = LatentsOutput(o_.save_latents, static_cast<int64_t>(digits.size()),
                            source_.source->latent_size());
  }
  const size_t most = o_.source.classifier.empty() ? kPart : kJudgedPart;
  // What is drawn at once needs no bar.
  Progress progress(StandardErrorProgress(o_.quiet || digits.size() <= most), "drawing",
                    static_cast<int64_t>(digits.size()));
  progress.BeginEpoch(1);
  for (size_t first = 0; first < digits.size(); first += most) {
    const auto part = all.subspan(first, std::min(most, digits.size() - first));
    const DrawnDigits images = source_.source->Draw(part);
    if (interrupt_.Requested()) return false;
    output->Add(images);
    if (latents) latents->Add(images);
    const auto done = static_cast<int64_t>(first + part.size());
    progress.Update(done, done);
  }
  output->Finish();
  if (latents) latents->Finish();
  progress.EndEpoch();
  return true;
}

}  // namespace numeral
