// SPDX-License-Identifier: MIT
// Regression on a table: writes houses.csv, reads it, keeps a part for testing, and lets the trainer fit the price, with
// the measures of a regression. --full uses ten times the rows. The command line does the same with
// `ingot train --model mlp --data csv:houses.csv,task=regression`.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <ingot/ingot.h>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using namespace ingot;

namespace {

/// A table of made-up houses: the price grows with area, rooms and nearness to the centre, with some noise.
void write_houses(const std::string& path, int rows) {
    std::ofstream out(path);
    out << "area,rooms,distance,garden,price\n";
    data::Random random(3);
    for (int i = 0; i < rows; ++i) {
        const double area = random.uniform(40, 240), distance = random.uniform(0, 25);
        const int rooms = 1 + static_cast<int>(area / 35 + random.uniform(0, 2));
        const int garden = random.chance(0.3);
        const double price = 30 + 2.5 * area * std::exp(-distance / 15) + 8 * rooms + 25 * garden * (distance / 10) +
                             6 * random.normal();
        out << area << "," << rooms << "," << distance << "," << garden << "," << price << "\n";
    }
}

struct Table {
    Tensor x, y; ///< [rows, columns - 1] and [rows, 1]
};

/// Numbers only, the last column is what is to be predicted.
Table read_table(const std::string& path) {
    std::ifstream in(path);
    std::string line, cell;
    std::getline(in, line); // the names
    std::vector<float> x, y;
    int64_t rows = 0;
    for (; std::getline(in, line); ++rows) {
        std::vector<float> row;
        for (std::stringstream cells(line); std::getline(cells, cell, ',');) row.push_back(std::stof(cell));
        y.push_back(row.back());
        x.insert(x.end(), row.begin(), row.end() - 1);
    }
    const auto columns = static_cast<int64_t>(x.size()) / rows;
    return {Tensor::from(x, {rows, columns}), Tensor::from(y, {rows, 1})};
}

} // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "--full") == 0;
    write_houses("houses.csv", full ? 20'000 : 2'000);
    const Table houses = read_table("houses.csv");

    // Inputs and target with mean 0 and deviation 1; the network then has an easy scale. Test rows are kept apart.
    const data::Split split = data::random_split(houses.x.size(0), 0.2, /*seed=*/1);
    const auto rows = [](const std::vector<int64_t>& list) {
        return Tensor::from(list, {static_cast<int64_t>(list.size())});
    };
    const Tensor train_x = index_select(houses.x, 0, rows(split.rest));
    const Tensor train_y = index_select(houses.y, 0, rows(split.rest));
    const Tensor x_mean = mean(train_x, {0}), x_std = ingot::std(train_x, {0});
    const Tensor y_mean = mean(train_y), y_std = ingot::std(train_y);
    const data::TensorDataset all((houses.x - x_mean) / x_std, (houses.y - y_mean) / y_std);
    data::DataLoader train(data::Subset(all, split.rest), {.batch = 64, .shuffle = true, .seed = 1});
    data::DataLoader test(data::Subset(all, split.held_out), {.batch = 256});

    manual_seed(1);
    auto model = nn::Sequential{nn::Linear(4, 64), nn::ReLU(), nn::Linear(64, 64), nn::ReLU(), nn::Linear(64, 1)};
    auto opt = optim::AdamW(model.parameters(), {.lr = 5e-3});
    const int64_t epochs = full ? 20 : 12;
    train::Trainer trainer(model, opt, nn::mse_loss,
                           {.epochs = epochs,
                            .schedule = optim::CosineWithWarmup({.total_steps = epochs * train.steps()}),
                            .progress = false});
    const train::TrainResult result = trainer.fit(train, test);
    const double mae = result.test->mae * y_std.item();
    std::printf("%lld steps, test: R2 %.4f, mean absolute error %.1f thousand\n", static_cast<long long>(result.steps),
                result.test->r2, mae);

    // A straight line for comparison: least squares by the same optimizer.
    manual_seed(1);
    auto line = nn::Sequential{nn::Linear(4, 1)};
    auto line_opt = optim::Adam(line.parameters(), {.lr = 2e-2});
    const double line_r2 =
        train::Trainer(line, line_opt, nn::mse_loss, {.epochs = epochs, .progress = false}).fit(train, test).test->r2;
    std::printf("a straight line: R2 %.4f\n", line_r2);

    // One house: 120 square metres, 4 rooms, 3 kilometres out, no garden.
    const Tensor house = Tensor::from(std::vector<float>{120, 4, 3, 0}, {1, 4});
    const double price = no_grad([&] { return model((house - x_mean) / x_std) * y_std + y_mean; }).item();
    const double expected = 30 + 2.5 * 120 * std::exp(-3.0 / 15) + 8 * 4;
    std::printf("a house: %.0f thousand, the formula says %.0f\n", price, expected);
    return result.test->r2 > 0.985 && result.test->r2 > line_r2 && std::abs(price - expected) < 25 ? 0 : 1;
}
