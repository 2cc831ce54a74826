//! A function whose unwind tables lead nowhere, as those of a corrupted stack do.

/// Spins in a frame that says its caller is at an address which is not mapped.
#[cfg(target_arch = "x86_64")]
pub fn spin_with_a_broken_frame() {
    unsafe extern "C" {
        fn lifecycle_tests_broken_frame();
    }
    // SAFETY: touches nothing but a register that the caller saves; it never returns.
    unsafe { lifecycle_tests_broken_frame() };
}

/// Only written for one processor.
#[cfg(not(target_arch = "x86_64"))]
pub fn spin_with_a_broken_frame() {}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".globl lifecycle_tests_broken_frame",
    ".type lifecycle_tests_broken_frame, @function",
    "lifecycle_tests_broken_frame:",
    ".cfi_startproc",
    "mov eax, 4096",
    ".cfi_def_cfa rax, 0",
    "2:",
    "pause",
    "jmp 2b",
    ".cfi_endproc",
    ".size lifecycle_tests_broken_frame, . - lifecycle_tests_broken_frame",
);
