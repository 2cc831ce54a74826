//! What attributes declare, and the instances that a service manages.

pub(crate) mod declaration;
pub(crate) mod index;
mod instances;
pub(crate) mod registry;
