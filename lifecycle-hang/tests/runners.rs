//! Threads that run are sent a signal: each walks its own stack, and goes on where it was.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::hint::{black_box, spin_loop};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use lifecycle_hang::{ReportKind, Request};

static TURNS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// Never zero: nobody gives it back.
static TAKEN: AtomicU64 = AtomicU64::new(1);

fn report() -> String {
    let mut text = String::new();
    let request = Request { files: &[file!()], ..Request::new(ReportKind::Asked, &"runners:") };
    lifecycle_hang::write(&request, &mut text).expect("memory");
    text
}

#[inline(never)]
fn spin_in_a_loop() {
    loop {
        TURNS[0].fetch_add(1, Relaxed);
        spin_loop();
    }
}

/// On aarch64 the compiler calls a function for each exchange.
#[inline(never)]
fn spin_for_a_lock() {
    while TAKEN.compare_exchange_weak(0, 1, AcqRel, Acquire).is_err() {
        TURNS[1].fetch_add(1, Relaxed);
    }
}

unsafe extern "C" {
    fn lifecycle_tests_no_tables(turns: *const AtomicU64);
    fn lifecycle_tests_broken_frame(turns: *const AtomicU64);
}

/// Calls a function of which no table says where its caller is.
#[inline(never)]
fn spin_without_tables() {
    // SAFETY: it counts, and never returns.
    unsafe { lifecycle_tests_no_tables(&raw const TURNS[2]) };
    black_box(());
}

/// Calls a function of which the tables say that its caller is at an address which is not mapped.
#[inline(never)]
fn spin_with_a_broken_frame() {
    // SAFETY: it counts, and never returns.
    unsafe { lifecycle_tests_broken_frame(&raw const TURNS[3]) };
    black_box(());
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".type lifecycle_tests_no_tables, @function",
    "lifecycle_tests_no_tables:",
    "2:",
    "add qword ptr [rdi], 1",
    "pause",
    "jmp 2b",
    ".size lifecycle_tests_no_tables, . - lifecycle_tests_no_tables",
    ".type lifecycle_tests_broken_frame, @function",
    "lifecycle_tests_broken_frame:",
    ".cfi_startproc",
    "mov eax, 4096",
    ".cfi_def_cfa rax, 0",
    "3:",
    "add qword ptr [rdi], 1",
    "pause",
    "jmp 3b",
    ".cfi_endproc",
    ".size lifecycle_tests_broken_frame, . - lifecycle_tests_broken_frame",
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".type lifecycle_tests_no_tables, %function",
    "lifecycle_tests_no_tables:",
    "2:",
    "ldr x1, [x0]",
    "add x1, x1, #1",
    "str x1, [x0]",
    "b 2b",
    ".size lifecycle_tests_no_tables, . - lifecycle_tests_no_tables",
    ".type lifecycle_tests_broken_frame, %function",
    "lifecycle_tests_broken_frame:",
    ".cfi_startproc",
    "mov x29, #4096",
    ".cfi_def_cfa x29, 0",
    ".cfi_offset x30, 8",
    "3:",
    "ldr x1, [x0]",
    "add x1, x1, #1",
    "str x1, [x0]",
    "b 3b",
    ".cfi_endproc",
    ".size lifecycle_tests_broken_frame, . - lifecycle_tests_broken_frame",
);

/// Until all of them have done something since.
fn wait_for_all() {
    let before = TURNS.each_ref().map(|turns| turns.load(Relaxed));
    let end = Instant::now() + Duration::from_secs(30);
    while TURNS.iter().zip(before).any(|(turns, before)| turns.load(Relaxed) == before) {
        assert!(Instant::now() < end, "a thread does not go on: {before:?}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn their_functions_are_named_and_they_go_on() {
    lifecycle_hang::prepare();
    let threads = [spin_in_a_loop, spin_for_a_lock, spin_without_tables, spin_with_a_broken_frame];
    threads.into_iter().for_each(|run| drop(spawn(run)));
    for _ in 0..3 {
        wait_for_all();
        let report = report();
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{report}");
        }
        for name in ["spin_in_a_loop", "spin_for_a_lock", "spin_without_tables"] {
            let is_named = |line: &str| line.contains("    > ") && line.contains(name);
            assert!(report.lines().any(is_named), "no {name} in\n{report}");
        }
        assert!(report.contains("lifecycle_tests_broken_frame"), "{report}");
        assert!(report.contains("its stack is broken"), "{report}");
    }
    wait_for_all();
}
