// SPDX-License-Identifier: MIT
// `ingot devices`, and which device the commands choose.
#include <set>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Devices = ContractTest;

TEST_F(Devices, PlainOutputNamesTheSameDevices) {
    const Result plain = run({"devices"});
    EXPECT_EQ(plain.status, 0);
    const Json listed = json({"devices"});
    for (const Json& device : listed.at("devices"))
        EXPECT_TRUE(contains(plain.out, device.at("name").get<std::string>())) << plain.out;
}

TEST_F(Devices, AutoIsTheDefaultAndChoosesAnAvailableDevice) {
    std::set<std::string> kinds;
    const Json listed = json({"devices"});
    for (const Json& device : listed.at("devices"))
        if (device.at("available").get<bool>()) kinds.insert(device.at("kind").get<std::string>());
    const std::string chosen = train("auto", {"--epochs", "1", "--device", "auto"}).at("device");
    const std::string by_default = train("default", {"--epochs", "1"}).at("device");
    EXPECT_EQ(by_default, chosen);
    EXPECT_TRUE(kinds.contains(chosen.substr(0, chosen.find(':')))) << chosen;
    EXPECT_EQ(train("cpu", {"--epochs", "1", "--device", "cpu"}).at("device"), "cpu");
}

TEST_F(Devices, ADeviceThatIsNotThereIsRefusedNotReplaced) {
    make_spec();
    make_images("images");
    std::set<std::string> kinds;
    const Json listed = json({"devices"});
    for (const Json& device : listed.at("devices"))
        if (device.at("available").get<bool>()) kinds.insert(device.at("kind").get<std::string>());
    for (const std::string device : {"cuda", "cuda:0", "metal"}) {
        if (kinds.contains(device.substr(0, device.find(':')))) continue;
        const Result result = run(train_words("run", {"--device", device}));
        EXPECT_TRUE(result.status == 1 || result.status == 2) << result.status;
        expect_error(result, result.status, {device.substr(0, device.find(':'))});
        EXPECT_FALSE(exists("run"));
    }
}

} // namespace
} // namespace ingot::contract
