// SPDX-License-Identifier: MIT
// Datasets, transforms and loaders.
#pragma once

#include <ingot/data/batches.h>
#include <ingot/data/dataset.h>
#include <ingot/data/images.h>
#include <ingot/data/loader.h>
#include <ingot/data/random.h>
#include <ingot/data/sample.h>
#include <ingot/data/sampler.h>
#include <ingot/data/transforms.h>
