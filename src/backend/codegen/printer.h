// SPDX-License-Identifier: MIT
// The state of one print_kernel() call, shared by the files that print each strategy. Private to backend/codegen; one
// object per call, one thread.
//
// Names in the printed text: i0, i1, ... loop indices per axis; p, a, r the flat indices of the three groups; v12 value 12,
// or v12[k] when a thread keeps it for each of its row elements; s3_0 component 0 of the state of reduction 3; b2 buffer 2.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "backend/codegen/print_kernel.h"
#include "backend/codegen/text.h"

namespace ingot::codegen {

/// Components of a reduction's state: their dtypes and what they start from.
struct Component {
    DType type = DType::f32;
    bool count = false; ///< Welford's count: of the index type
    std::string start;
};

class Printer {
public:
    Printer(const program::Program& program, const Dialect& dialect, const Schedule& schedule);
    PrintedKernel print();

private:
    using Names = std::vector<std::string>;
    using ValueId = program::ValueId;

    // printer_code.cpp: values, addresses, instructions
    void choose_index_type();
    std::string type(DType t) const;
    std::string value(ValueId v);
    std::string literal(double x, DType t) const;
    std::string affine(const program::Affine& at) const;
    std::array<int64_t, 2> range(const program::Affine& at) const; ///< smallest and largest value
    std::string pointer(int32_t operand);
    std::string memory(const program::Operand& o, const std::string& base, const std::string& at) const;
    std::string condition(const program::Operand& o) const; ///< of its guards; empty: always true
    std::string address(const program::Operand& o, std::string& condition);
    std::string expression(const program::Inst& in);
    void instruction(const program::Inst& in);
    void store(const program::Inst& in, const std::string& only_if = "");
    /// Loop indices of axes [first, last) from the flat index `flat`.
    void decompose(const std::string& flat, int32_t first, int32_t last);

    // Instructions of `level` that `roots` need, in order, stopping at values in `have`.
    std::vector<int32_t> needed(const std::vector<ValueId>& roots,
                                const std::function<bool(const program::Inst&)>& here) const;
    void add_operands(const program::Inst& in, std::vector<ValueId>& to) const;

    // printer_reduce.cpp
    std::vector<Component> components(int32_t reduce) const;
    std::string component_type(const Component& c) const;
    Names state(int32_t reduce, const std::string& suffix = "") const;
    void declare_state(int32_t reduce);
    void step(int32_t reduce, const Names& into, const std::string& index);
    void merge(int32_t reduce, const Names& into, const Names& other);
    void finish(int32_t reduce, const Names& from); ///< declares the out values
    /// Combines the states of `reduces` over the `lanes` threads of a group; afterwards all of them hold the result.
    void group_reduce(const std::vector<int32_t>& reduces, int32_t lanes);
    std::vector<int32_t> reduces_where(const std::function<bool(const program::Reduce&)>& keep) const;
    /// Place of component c of reduction `reduce` in the workspace; `at` is the element's index.
    std::string workspace(int32_t reduce, size_t c, const std::string& at);

    // printer.cpp: kernels as a whole
    void begin_kernel();
    void end_kernel(const std::string& suffix, int64_t grid, int32_t block);
    void plan_workspace();
    std::string shared_array(const std::string& name, const std::string& type, int64_t type_bytes, int64_t count);
    void emit(const std::vector<int32_t>& code);
    /// The body of one point of a program without row reductions: all Point and Row code that stores and `reduces` need.
    void point_body(const std::vector<int32_t>& reduces);
    std::vector<int32_t> point_code(const std::vector<int32_t>& reduces) const;
    bool in_point(const program::Inst& in) const;
    /// Map, Segments: the loops over a thread's points first, first + threads, ... below `limit` (empty: no check).
    void many_points(const std::string& index, const std::string& first, const std::string& limit);
    void final_code(bool stores, const std::string& only_if);
    void column_code(const std::string& only_if = "");
    void map_kernel();
    void segments_kernel();
    void once_kernel();

    // printer_rows.cpp
    void rows_kernel();
    void row_loop(const std::function<void()>& body);
    void row_stage(int32_t stage);
    void plan_stages();

    // printer_fold.cpp: accumulations without rows, and the combining launches
    void columns_kernel(bool combine);
    void flat_kernel(bool combine);
    void fold_finals(int32_t lanes, bool stores);

    const program::Program& p_;
    const Dialect& d_;
    const Schedule s_;
    const Facts facts_;
    PrintedKernel out_;
    bool wide_index_ = false;                      ///< ig_index is 64 bits wide
    int64_t chunks_ = 1;                           ///< of A, or of A x R (Flat)
    bool combine_ = false;                         ///< partial results go through the workspace into a second launch
    std::vector<DType> types_;                     ///< of each value
    std::vector<int32_t> def_;                     ///< value -> instruction, or -1
    std::vector<bool> stashed_;                    ///< value -> kept per row element
    std::vector<std::vector<int32_t>> stage_code_; ///< Rows: instructions evaluated in each stage's loop
    std::vector<std::vector<int64_t>> offsets_;    ///< workspace: reduction -> component -> bytes
    Helpers helpers_;

    // of the kernel being printed
    Text text_{1};
    std::vector<bool> axes_live_;
    std::vector<bool> once_used_;
    std::vector<bool> buffers_used_;
    bool workspace_used_ = false, error_used_ = false, segments_used_ = false;
    int64_t shared_bytes_ = 0;
    std::string kernels_;
};

} // namespace ingot::codegen
