#include <filesystem>
#include <fstream>

#include "tests/config/config_json.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text = SmallConfig().dump()) {
    std::ofstream(path()) << text;
  }
  std::string path() const { return (folder_.path() / "small.json").string(); }

  Config Load(const std::vector<std::string>& texts) const {
    std::vector<Override> overrides;
    for (const std::string& text : texts) overrides.push_back(ParseOverride(text));
    return LoadConfig(path(), overrides);
  }
  std::string LoadRefusal(const std::vector<std::string>& texts) const {
    return MessageOf(ErrorKind::kBadInput, [&] { Load(texts); });
  }

 private:
  TempFolder folder_;
};

TEST_CASE("overrides have a pointer and a value") {
  const Override change = ParseOverride("/a/b=x=1");
  CHECK(change.pointer == "/a/b");
  CHECK(change.json == "x=1");
  for (const char* text : {"", "/training/epochs", "epochs=3", "=3", "/a~2=1", "/a~=1"}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ParseOverride(text); }), {"--set \""});
  }
}

TEST_CASE("overrides change values, in order, and make the objects they need") {
  const ConfigFile file;
  const Config config =
      file.Load({"/training/epochs=3", "/output/grid=[2, 3]", "/convention=keras",
                 "/training/optimizers/generator/schedule={\"type\": \"linear\"}",
                 "/networks/discriminator/layers/0/filters=7", "/training/epochs=4",
                 "/description=1e999 times", "/data/digits=[1]", "/data/digits/0=2"});
  CHECK(config.name == "small");
  CHECK(config.training.epochs == 4);
  CHECK(config.output.grid_rows == 2);
  CHECK(config.output.grid_columns == 3);
  CHECK(config.convention == Convention::kKeras);
  CHECK(config.training.generator.schedule.kind == ScheduleSpec::Kind::kLinear);
  CHECK(std::get<ConvSpec>(config.discriminator.layers[0].op).filters == 7);
  CHECK(config.description == "1e999 times");
  CHECK(config.data.digits == std::vector<int>{2});
}

TEST_CASE("overrides are validated like the file") {
  const ConfigFile file;
  CHECK(file.LoadRefusal({"/training/epoch=3"}) ==
        file.path() + ": /training/epoch: unknown key; did you mean \"epochs\"?");
  CheckMentions(file.LoadRefusal({"/training/epochs=many"}),
                {"/training/epochs: expected an integer", "the string \"many\""});
  CheckMentions(file.LoadRefusal({"/data={\"limit\": 1, \"limit\": 2}"}),
                {"--set: /data: /limit: ", "given twice"});
  CheckMentions(file.LoadRefusal({"/description=\xFF"}), {"--set: /description: ", "UTF-8"});
}

TEST_CASE("overrides that lead nowhere are refused") {
  const ConfigFile file;
  CheckMentions(file.LoadRefusal({"/networks/discriminator/layers/9/filters=1"}),
                {"--set: /networks/discriminator/layers/9/filters: the list has 4 elements",
                 "\"9\" is none"});
  for (const char* index : {"x", "-1", "01", "-", "", "99999999999999999999"}) {
    CheckMentions(file.LoadRefusal({fmt::format("/networks/discriminator/layers/{}=1", index)}),
                  {"is none of them"});
  }
  CheckMentions(file.LoadRefusal({"/networks/discriminator/layers/0/filters/x=1"}),
                {"nothing lies below 4"});
}

TEST_CASE("files that cannot be read or parsed are named") {
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { LoadConfig("/no/such/file.json"); }),
                {"/no/such/file.json"});
  const ConfigFile broken("{\n\"seed\": }\n");
  CheckMentions(broken.LoadRefusal({}), {broken.path() + ": line 2, column 9: "});
}

}  // namespace
}  // namespace numeral
