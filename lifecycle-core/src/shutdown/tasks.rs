//! Main and tracked tasks in a shutdown: how they are dropped, and what the report says of them.

use std::time::{Duration, Instant};

use super::observer::Observer;
use super::waiting::{Waiting, named, under_way};
use crate::model::report::{TaskReport, TaskResult};
use crate::tasks::run::{Run, Task};
use crate::tasks::stop::Stop;

/// Dropped tasks are gone after this, unless they block their threads; the time runs anew as long as they go.
pub(super) const DROP_TIMEOUT: Duration = Duration::from_millis(100);

/// A task that is spawned is polled within this, unless the runtime is frozen.
const FIRST_POLL_TIMEOUT: Duration = Duration::from_millis(250);

const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Of one run.
pub(super) struct Tasks<'a> {
    run: &'a Run,
    deadline: Instant,
    /// Dropped, and not gone.
    stuck: Vec<(u64, Task)>,
    rows: Vec<TaskReport>,
}

impl<'a> Tasks<'a> {
    pub(super) fn new(run: &'a Run, deadline: Instant) -> Tasks<'a> {
        Tasks { run, deadline, stuck: Vec::new(), rows: Vec::new() }
    }

    /// Whether none that was dropped blocks its thread.
    pub(super) fn are_all_gone(&self) -> bool {
        self.stuck.is_empty()
    }

    /// A task that was spawned a moment ago had no chance to check for the shutdown: each is polled once.
    pub(super) async fn wait_for_first_polls(&self, observer: &mut dyn Observer) {
        let until = (self.run.clock.now() + FIRST_POLL_TIMEOUT).min(self.deadline);
        while self.run.has_unpolled_tasks() && self.run.clock.now() < until {
            // A first poll tells nobody.
            let next = until.min(self.run.clock.now() + LOOK_INTERVAL);
            self.wait_while(observer, next, Run::has_unpolled_tasks).await;
        }
    }

    /// Those that never check for the shutdown. A thread cannot be dropped: it is left alone until the drain is over.
    async fn drop_unobserving(&mut self, observer: &mut dyn Observer) {
        self.drop_picked(observer, |task| {
            !task.slot.observed_shutdown() && !matches!(task.stop, Stop::Thread)
        })
        .await;
    }

    /// Whatever lives.
    pub(super) async fn drop_all(&mut self, observer: &mut dyn Observer) {
        // What is dropped may spawn in its destructors: those are few, and gone the next time.
        for _ in 0..3 {
            if self.drop_picked(observer, |_| true).await == 0 {
                return;
            }
        }
    }

    /// Returns how many there were.
    async fn drop_picked(&mut self, observer: &mut dyn Observer, picked: impl Fn(&Task) -> bool) -> usize {
        let is_stuck = |id: u64| self.stuck.iter().any(|(stuck, _)| *stuck == id);
        let chosen = self.run.begin_drop(|id, task| picked(task) && !is_stuck(id));
        let count = chosen.len();
        // Now, and not once they are gone: a slot may be another task's by then.
        let observed: Vec<bool> = chosen.iter().map(|(_, task)| task.slot.observed_shutdown()).collect();
        self.wait_until_gone(observer).await;
        let live = self.run.tasks();
        for ((id, task), observed) in chosen.into_iter().zip(observed) {
            if live.contains_key(&id) {
                self.stuck.push((id, task));
            } else {
                let result = if observed { TaskResult::Dropped } else { TaskResult::NeverChecked };
                self.add_row(&task, result);
            }
        }
        count
    }

    /// As long as they go.
    async fn wait_until_gone(&self, observer: &mut dyn Observer) {
        let mut left = self.run.dropping();
        while left > 0 {
            let until = (self.run.clock.now() + DROP_TIMEOUT).min(self.deadline);
            self.wait_while(observer, until, |run: &Run| run.dropping() > 0).await;
            let now = self.run.dropping();
            if now == left || self.run.clock.now() >= self.deadline {
                break;
            }
            left = now;
        }
        self.run.end_drop();
    }

    /// Until no work is under way and the last task that checks for the shutdown has returned, or `until`. Any task may be
    /// what does the work: while there is some, none is dropped.
    pub(super) async fn wait_for_observers(&mut self, observer: &mut dyn Observer, until: Instant) {
        let mut waiting = Waiting::new(self.run.clock);
        self.wait_naming(observer, until, &mut waiting, Run::has_work).await;
        self.drop_unobserving(observer).await;
        self.wait_naming(observer, until, &mut waiting, Run::is_drain_awaited).await;
    }

    /// Says from time to time whom it waits for.
    async fn wait_naming(
        &self,
        observer: &mut dyn Observer,
        until: Instant,
        waiting: &mut Waiting,
        condition: impl Fn(&Run) -> bool + Copy,
    ) {
        while condition(self.run) && self.run.clock.now() < until {
            let left = self.deadline.saturating_duration_since(self.run.clock.now());
            waiting.say(left, || {
                let tasks = self.run.tasks().into_values().filter(|task| task.slot.observed_shutdown());
                let tasks = tasks.map(|task| named("task", &task.name, task.place));
                under_way(&self.run.work()).into_iter().chain(tasks).collect()
            });
            let next = until.min(self.run.clock.now() + waiting.until_next());
            self.wait_while(observer, next, condition).await;
        }
    }

    /// Work that is still under way is cut off. Streams get a moment to say so to those who read them.
    pub(super) async fn cut_work(&mut self, observer: &mut dyn Observer) {
        for work in self.run.cut_work() {
            let age = work.age();
            self.rows.push(TaskReport {
                name: format!("{}, {age:.1?} old", work.what),
                place: Some(work.place),
                result: TaskResult::Dropped,
                count: 1,
                age: Some(age),
            });
        }
        let until = (self.run.clock.now() + DROP_TIMEOUT).min(self.deadline);
        self.wait_while(observer, until, Run::is_cut_work_ending).await;
    }

    async fn wait_while(
        &self,
        observer: &mut dyn Observer,
        until: Instant,
        condition: impl Fn(&Run) -> bool,
    ) {
        while condition(self.run) {
            observer.handle_events();
            let left = until.saturating_duration_since(self.run.clock.now());
            if left.is_zero() {
                return;
            }
            self.run.clock.wait(&self.run.wakeup, left).await;
        }
    }

    /// Those that could not be dropped are stuck if they still live; the others took a moment longer.
    pub(super) fn into_reports(mut self) -> Vec<TaskReport> {
        let live = self.run.tasks();
        for (id, task) in std::mem::take(&mut self.stuck) {
            let result = if live.contains_key(&id) { TaskResult::Stuck } else { TaskResult::Dropped };
            self.add_row(&task, result);
        }
        self.rows.extend(self.run.take_failures());
        self.rows
    }

    /// Tasks of one name and end are one row.
    fn add_row(&mut self, task: &Task, result: TaskResult) {
        let same =
            |row: &&mut TaskReport| row.name == *task.name && row.place == task.place && row.result == result;
        match self.rows.iter_mut().rev().find(same) {
            Some(row) => row.count += 1,
            None => {
                self.rows.push(TaskReport {
                    name: task.name.to_string(),
                    place: task.place,
                    result,
                    count: 1,
                    age: None,
                });
            }
        }
    }
}
