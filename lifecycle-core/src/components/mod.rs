//! What attributes declare, and the instances that a service manages.

pub(crate) mod declaration;
mod instances;
pub(crate) mod registry;
