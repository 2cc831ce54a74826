//! A stack that the unwinder cannot walk, as on musl, whose system calls have no unwind tables: what looks like a return
//! address on it is taken for one. A guess: some may be left over from calls that have returned.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::image::modules::modules;

/// Bytes of the stack that are looked at.
pub(super) const DEPTH: usize = 16 << 10;

/// Fewer frames than this are no walk.
pub(crate) const LEAST: u32 = 3;

const RANGES: usize = 32;

/// Where code lies: first and last address. Statics, since handlers read them.
static CODE: [[AtomicU64; 2]; RANGES] = [const { [AtomicU64::new(0), AtomicU64::new(0)] }; RANGES];

/// Learns where code lies, from the lines of `/proc/self/maps` that are executable.
pub(crate) fn learn(maps: &str) {
    for ([begin, end], module) in CODE.iter().zip(modules(maps)) {
        begin.store(module.begin, Relaxed);
        end.store(module.end, Relaxed);
    }
}

/// Calls `f` with each address of a call whose return address seems to lie on the stack, innermost first, until it says
/// false.
///
/// # Safety
/// The stack at `pointer` is this thread's own. It may end sooner than the scan: then the caller survives the fault.
pub(crate) unsafe fn scan(pointer: u64, mut f: impl FnMut(u64) -> bool) {
    let words = std::ptr::with_exposed_provenance::<u64>(pointer as usize & !7);
    for index in 0..DEPTH / size_of::<u64>() {
        // SAFETY: as the caller has promised. Volatile: other frames of this thread own it, and may not have written it.
        let word = unsafe { words.add(index).read_volatile() };
        if call_before(word).is_some_and(|address| !f(address)) {
            return;
        }
    }
}

/// Code lies below: what is above is the signature that a function on aarch64 may give to its return address (PAC).
const HIGHEST: u64 = if cfg!(target_arch = "aarch64") { (1 << 48) - 1 } else { u64::MAX };

/// The address of the call, if the word seems to be a return address.
pub(super) fn call_before(word: u64) -> Option<u64> {
    let address = word & HIGHEST;
    (is_code(address) && follows_call(address)).then(|| address - 1)
}

fn is_code(address: u64) -> bool {
    CODE.iter().any(|[begin, end]| begin.load(Relaxed) + 8 <= address && address < end.load(Relaxed))
}

/// Whether the instruction before the address is a call: `E8` with an offset, or one of the forms of `FF /2`.
#[cfg(target_arch = "x86_64")]
fn follows_call(address: u64) -> bool {
    // SAFETY: eight bytes before it lie in code, which is readable.
    let before = |back: u64| unsafe {
        std::ptr::with_exposed_provenance::<u8>((address - back) as usize).read_volatile()
    };
    let is_indirect = |back: u64| before(back) == 0xFF && before(back - 1) >> 3 & 7 == 2;
    before(5) == 0xE8 || [2, 3, 6, 7].into_iter().any(is_indirect)
}

/// Whether the instruction before the address is `bl` or `blr`.
#[cfg(target_arch = "aarch64")]
fn follows_call(address: u64) -> bool {
    if !address.is_multiple_of(4) {
        return false;
    }
    // SAFETY: eight bytes before it lie in code, which is readable.
    let before = unsafe { std::ptr::with_exposed_provenance::<u32>((address - 4) as usize).read_volatile() };
    before & 0xFC00_0000 == 0x9400_0000 || before & 0xFFFF_FC1F == 0xD63F_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn callee(found: &mut Vec<u64>) -> u64 {
        let here = 0_u64;
        // SAFETY: the stack of this thread, whose callers have more than is looked at.
        unsafe {
            scan((&raw const here).expose_provenance() as u64, |address| {
                found.push(address);
                found.len() < 200
            });
        }
        std::hint::black_box(here)
    }

    #[inline(never)]
    fn caller(room: &[u8; DEPTH], found: &mut Vec<u64>) -> u64 {
        callee(found) + u64::from(std::hint::black_box(room)[7])
    }

    fn learn_own() {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let code = maps.lines().filter(|line| line.contains(" r-xp ")).map(|line| format!("{line}\n"));
        learn(&code.collect::<String>());
    }

    #[test]
    #[cfg(target_arch = "aarch64")]
    fn a_signed_return_address_is_one() {
        #[inline(never)]
        fn returns_to() -> u64 {
            let address: u64;
            // SAFETY: reads a register.
            unsafe { std::arch::asm!("ldr {}, [x29, #8]", out(reg) address) };
            std::hint::black_box(address)
        }
        learn_own();
        let address = returns_to();
        assert_eq!(call_before(address), Some(address - 1));
        assert_eq!(call_before(address | 0x2A << 48), Some(address - 1));
        assert_eq!(call_before(address + 2), None);
    }

    #[test]
    fn the_caller_is_among_what_is_found() {
        learn_own();
        let (room, mut found) = ([0; DEPTH], Vec::new());
        caller(&room, &mut found);
        let (begin, end) = (caller as fn(&_, &mut _) -> _ as usize as u64, 400);
        assert!(found.iter().any(|address| (begin..begin + end).contains(address)), "{begin:x} {found:x?}");
    }
}
