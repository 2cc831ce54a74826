mod shutdown_timeout {
    #[lifecycle::main(shutdown_timeout = "30s")]
    pub fn main() {}
}

mod drain {
    #[lifecycle::main(drain = "0s")]
    pub fn main() {}
}

mod drain_of_all_the_time {
    #[lifecycle::main(shutdown_timeout = "10s", drain = "10s")]
    pub fn main() {}
}

mod restart_off {
    #[lifecycle::main(restart = false)]
    pub fn main() {}
}

mod restart_on {
    #[lifecycle::main(restart = true)]
    pub fn main() {}
}

mod restart_exec {
    #[lifecycle::main(restart(mode = "exec"))]
    pub fn main() {}
}

mod restart_task {
    #[lifecycle::main(restart(mode = "task", file = "crashes"))]
    pub fn main() {}
}

mod restart_store {
    #[lifecycle::main(restart(store = "redis://host:6379/0", service = "orders"))]
    pub fn main() {}
}

mod restart_waits {
    #[lifecycle::main(restart(wait = "1s", max_wait = "1s", factor = 1, max_crashes = 0, within = "1m"))]
    pub fn main() {}
}

mod probes {
    #[lifecycle::main(probes = "[::]:8080", ready = "implied")]
    pub fn main() {}
}

mod probes_at_a_path {
    #[lifecycle::main(probes = "unix:/run/app/probes.sock", ready = "explicit")]
    pub fn main() {}
}

mod restart_max_retry_after {
    #[lifecycle::main(restart(max_retry_after = "0s"))]
    pub fn main() {}
}

mod watchdog_off {
    #[lifecycle::main(watchdog = false)]
    pub fn main() {}
}

mod watchdog_on_hang {
    #[lifecycle::main(watchdog(on_hang = "exit", timeout = "50ms", startup = "50ms"))]
    pub fn main() {}
}

mod flavor {
    #[lifecycle::main(flavor = current_thread)]
    pub fn main() {}
}

mod worker_threads {
    #[lifecycle::main(flavor = "multi_thread", worker_threads = 65535)]
    pub fn main() {}
}

mod crate_path {
    #[lifecycle::main(crate = ::lifecycle)]
    pub fn main() {}
}

// Compiled, not run.
fn main() {
    let _ = shutdown_timeout::main;
    let _ = drain::main;
    let _ = drain_of_all_the_time::main;
    let _ = restart_off::main;
    let _ = restart_on::main;
    let _ = restart_exec::main;
    let _ = restart_task::main;
    let _ = restart_store::main;
    let _ = restart_waits::main;
    let _ = probes::main;
    let _ = restart_max_retry_after::main;
    let _ = probes_at_a_path::main;
    let _ = watchdog_off::main;
    let _ = watchdog_on_hang::main;
    let _ = flavor::main;
    let _ = worker_threads::main;
    let _ = crate_path::main;
}
