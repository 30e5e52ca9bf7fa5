// What evaluate refuses, and what it can still say of little or odd input.
#include "checkpoint/safetensors.h"
#include "render/png.h"
#include "tests/data/png_files.h"
#include "tests/tools/evaluate_folder.h"

namespace numeral {
namespace {

// A picture of 28x28 pixels of 8-bit RGB, all black.
std::string RgbPng() {
  const std::string rows(kImageSide * (1 + 3 * kImageSide), '\0');
  return kPngSignature + PngHeader(28, 28, 8, 2) + PngChunk("IDAT", ZlibPacked(rows)) + kPngEnd;
}

// As safetensors.torch.save_file writes a module's state.
void StripMetadata(const fs::path& from, const fs::path& to) {
  SafeTensors file = ReadSafeTensors(from);
  file.metadata = {{"format", "pt"}};
  file.tensors.push_back(
      MakeSafeTensor<int64_t>("batch_norm.num_batches_tracked", {}, std::vector<int64_t>{17}));
  WriteSafeTensors(to, file);
}

}  // namespace

TEST_CASE("evaluate refuses bad input in one line", "[evaluate]") {
  const EvaluateFolder folder;
  folder.Refuse({}, {"absent.bin"}, "absent.bin");
  folder.Refuse({}, {"g.bin", "no classifier"}, "g.bin");
  folder.Refuse({}, {"data"}, "data");
  WriteBytes(folder.path() / "broken.bin", TrainedClassifier().substr(0, 1000));
  folder.Refuse({}, {"broken.bin"}, "broken.bin");
  folder.Refuse({"--data-dir", "nowhere"}, {"nowhere", "fetch_data.sh"});
  folder.Refuse({"--dataset", "fashion"}, {"fashion", "fetch_data.sh fashion"});
  folder.Refuse({"--dataset", "cifar"}, {"cifar", "fashion"});
  folder.Refuse({"--split", "validation"}, {"validation", "10000"});
  folder.Refuse({"--generator", "c.bin"}, {"c.bin", "no generator"});
  folder.Refuse({"--generator", "absent.bin"}, {"absent.bin"});
  folder.Refuse({"--judge", "g.bin"}, {"g.bin", "no classifier"});
  folder.Refuse({"--device", "tpu"}, {"tpu", "auto"});
  folder.Refuse({"--generator", "g.bin", "--out", "c.bin/out"}, {"c.bin/out"});
}

TEST_CASE("evaluate refuses options that it does not have", "[evaluate]") {
  const EvaluateFolder folder;
  const auto status = [&](const std::vector<std::string>& args) {
    return RunTool("evaluate", args, folder.path()).status;
  };
  CHECK(status({}) == 2);
  CHECK(status({"--classifier", "c.bin", "--sample", "3"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--samples", "0"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--samples", "many"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--digit", "10"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--split", "train"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--latent-scale", "0"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--generator", "g.bin", "--fake-dir", "fakes"}) == 2);
  CHECK(status({"--classifier", "c.bin", "--digit", "3", "--fake-dir", "fakes"}) == 2);
  const ToolResult help = RunTool("evaluate", {"--help"}, folder.path());
  CHECK(help.status == 0);
  CheckMentions(help.out, {"--fake-dir", "--labeler", "S1", "Exit status"});
}

TEST_CASE("evaluate refuses folders of other pictures", "[evaluate]") {
  const EvaluateFolder folder;
  folder.Refuse({"--fake-dir", "fakes"}, {"fakes"});
  fs::create_directories(folder.path() / "fakes/3");
  folder.Refuse({"--fake-dir", "fakes"}, {"fakes"});
  const fs::path picture = folder.path() / "fakes/3/a.png";
  WritePng(picture, {32, 32, std::vector<uint8_t>(32 * 32)});
  folder.Refuse({"--fake-dir", "fakes"}, {"fakes/3/a.png", "32x32"});
  WriteBytes(picture, RgbPng());
  folder.Refuse({"--fake-dir", "fakes"}, {"fakes/3/a.png", "grey"});
  WriteBytes(picture, "no picture");
  folder.Refuse({"--fake-dir", "fakes"}, {"fakes/3/a.png"});
  CHECK_FALSE(fs::exists(folder.path() / "fakes_evaluation"));
}

TEST_CASE("weights of PyTorch need a config, and then count the same", "[evaluate]") {
  const EvaluateFolder folder;
  StripMetadata(folder.path() / "c.bin", folder.path() / "c.safetensors");
  StripMetadata(folder.path() / "g.bin", folder.path() / "g.safetensors");
  WriteBytes(folder.path() / "c.json", ClassifierJson().dump());
  WriteBytes(folder.path() / "g.json", GanJson(true).dump());
  folder.Refuse({}, {"c.safetensors", "config"}, "c.safetensors");
  folder.Refuse({"--generator", "g.safetensors"}, {"g.safetensors", "config"});
  folder.Refuse({"--classifier-config", "g.json"}, {"g.json", "classifier"}, "c.safetensors");
  folder.Refuse({"--classifier-config", "absent.json"}, {"absent.json"}, "c.safetensors");
  Json other = ClassifierJson();
  other["networks"]["classifier"]["layers"][6]["units"] = 25;
  WriteBytes(folder.path() / "other.json", other.dump());
  folder.Refuse({"--classifier-config", "other.json"}, {"c.safetensors", "dense.weight", "25"},
                "c.safetensors");

  Json expected = folder.Figures({"--generator", "g.bin", "--samples", "70"});
  Json json = folder.Figures({"--generator", "g.safetensors", "--generator-config", "g.json",
                              "--classifier-config", "c.json", "--samples", "70"},
                             "c.safetensors");
  for (const char* key : {"generator", "classifier"}) {
    CHECK(json[key] != expected[key]);
    json.erase(key);
    expected.erase(key);
  }
  CHECK(json == expected);
}

TEST_CASE("few images and images that are all alike have figures too", "[evaluate]") {
  const EvaluateFolder folder;
  // Three neighbours need four images; the classifier has 24 features.
  for (const int samples : {1, 2, 3, 4, 5, 23}) {
    INFO(samples);
    const Json json =
        folder.Figures({"--generator", "g.bin", "--samples", std::to_string(samples)});
    CHECK(json["s1"]["samples"] == samples);
    CHECK(json.contains("fid_c") == (samples > 3));
    if (samples > 3) CHECK(json["fid_c"].is_number());
  }
  WriteConstantGenerator(folder.path() / "constant.bin", true);
  const Json json = folder.Figures({"--generator", "constant.bin", "--samples", "50"});
  CHECK(json["s1"]["errors"] == 45);
  for (const char* key : {"fid_c", "rfid", "precision", "density", "coverage", "kl"}) {
    INFO(key);
    CHECK(json[key].is_number());
  }
  CHECK(json["kl"] == Approx(std::log(10.0)));
  CHECK(json["variance_ratio"] == 0);
}

TEST_CASE("the classification accuracy score takes images of all digits", "[evaluate]") {
  const EvaluateFolder folder;
  for (const char* generator : {"u.bin", "g.bin"}) {
    const bool conditional = generator[0] == 'g';
    std::vector<std::string> args{"--generator", generator, "--samples", "130", "--full"};
    if (conditional) args.insert(args.end(), {"--digit", "3"});
    CHECK(folder.Figures(args)["cas"].is_null());
    CheckMentions(folder.last.err, {"no CAS", "all digits"});
  }
}

}  // namespace numeral
