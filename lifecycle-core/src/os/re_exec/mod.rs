//! The process replaced by the same executable once more, under the same pid (`execve`). May be called while the process
//! is broken: whatever the old image is stuck in stays behind.

#[cfg(unix)]
mod handed_on;
#[cfg(unix)]
mod image;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod threads;

#[cfg(unix)]
pub(crate) use handed_on::{HandedOn, VARIABLE};
#[cfg(unix)]
pub(crate) use image::Image;
#[cfg(not(unix))]
pub(crate) use other::{Image, VARIABLE};
