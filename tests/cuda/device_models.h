// GPUs as cuDNN wants them described where there is none: figures of the data sheets.
#pragma once

#include <string>
#include <vector>

namespace numeral::cuda {

struct DeviceModel {
  std::string name;
  std::string properties_json;
};

// One of each generation: sm_80, sm_90, sm_100.
const std::vector<DeviceModel>& DeviceModels();

}  // namespace numeral::cuda
