//! PID 1 of a namespace: it inherits orphans, and has children of its own whose exit status it asks for late.

use std::process::Command;
use std::time::Duration;

use tokio::time::sleep;

/// Zombies of this namespace.
fn zombies() -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.filter(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))).count()
}

#[lifecycle::main]
async fn main() {
    // What is there at the first look is left alone.
    sleep(Duration::from_millis(1_500)).await;
    println!("pid {}", std::process::id());
    let own = || Command::new("sh").args(["-c", "exit 7"]).spawn().expect("a shell");
    let of_worker = own();
    // Its thread lives as long as a pool keeps it idle, or two looks.
    let of_thread = std::thread::spawn(move || {
        let child = own();
        std::thread::sleep(Duration::from_millis(2_500));
        child
    });
    let mut of_tokio = tokio::process::Command::new("sh").args(["-c", "exit 8"]).spawn().expect("a shell");
    for _ in 0..10 {
        let mut shell = tokio::process::Command::new("sh")
            .args(["-c", "sleep 0.2 & sleep 0.1"])
            .spawn()
            .expect("a shell");
        assert!(shell.wait().await.expect("its status").success());
    }
    sleep(Duration::from_secs(1)).await;
    println!("early zombies {}", zombies());
    let mut of_thread = of_thread.join().expect("it ends");
    sleep(Duration::from_secs(10)).await;
    println!("late zombies {}", zombies());
    let codes = [of_worker, std::mem::replace(&mut of_thread, own())]
        .map(|mut child| child.wait().expect("its status").code());
    let tokio = of_tokio.wait().await.expect("its status").code();
    println!("codes {codes:?} {tokio:?}");
    let _last = of_thread.wait().expect("its status");
}
