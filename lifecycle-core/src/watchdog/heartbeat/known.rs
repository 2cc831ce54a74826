//! The heartbeats that the watchdog knows.

use super::Heartbeat;
use crate::os::atomic_ref::StaticList;

/// A heartbeat that an attribute declared.
#[derive(Debug)]
pub struct HeartbeatSite(pub &'static Heartbeat);

inventory::collect!(HeartbeatSite);

/// Every heartbeat that is known: process-wide, as statics are.
pub(super) static HEARTBEATS: StaticList<Heartbeat> = StaticList::new();

/// Every heartbeat that an attribute declared or that has beaten; takes no lock and allocates nothing.
pub(crate) fn all() -> impl Iterator<Item = &'static Heartbeat> {
    HEARTBEATS.iter()
}

/// Whether any heartbeat other than the built-in probe has beaten in this run: then the service is up.
pub(crate) fn any_annotated_has_beaten() -> bool {
    all().any(|heartbeat| heartbeat.has_beaten() && !heartbeat.is_probe())
}

/// Whether any that is judged is stale beyond its limit, by the watchdog's last tick.
pub(crate) fn any_is_stale() -> bool {
    let is_stale = |heartbeat: &Heartbeat| {
        let allowed = heartbeat.allowed();
        !allowed.is_zero() && heartbeat.stale() >= allowed && !heartbeat.is_at_rest()
    };
    all().any(is_stale)
}

/// Links what attributes declared, so that a heartbeat that never beats is known too.
pub(crate) fn link_declared() {
    inventory::iter::<HeartbeatSite>.into_iter().for_each(|site| site.0.link());
}
