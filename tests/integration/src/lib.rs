//! Services under test are in `src/bin`; the recipes of the documentation need crates that nobody else does.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/recipes.md")]
mod recipes {}
