//! The deadline rule: how much of what is left a step may take.

use std::time::Duration;

/// A step that wishes `wish` gets it if everything later fits in too, else its share of what is left.
pub(crate) fn share(wish: Duration, later: Duration, left: Duration) -> Duration {
    let all = wish.saturating_add(later);
    if left >= all {
        return wish;
    }
    // all > left >= 0, so it is not zero.
    wish.mul_f64(left.as_secs_f64() / all.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gets_its_wish_or_its_share() {
        let seconds = Duration::from_secs_f64;
        for (wish, later, left, expected) in [
            (5.0, 15.0, 25.0, 5.0),
            (5.0, 15.0, 20.0, 5.0),
            (5.0, 15.0, 10.0, 2.5),
            (5.0, 0.0, 2.0, 2.0),
            (0.0, 0.0, 0.0, 0.0),
            (5.0, 5.0, 0.0, 0.0),
        ] {
            assert_eq!(
                share(seconds(wish), seconds(later), seconds(left)),
                seconds(expected),
                "{wish} {later} {left}"
            );
        }
    }

    #[test]
    fn hanging_steps_share_the_budget_and_the_last_one_is_not_starved() {
        let wishes = [3.0, 1.0, 4.0];
        let mut left = 4.0;
        let mut got = Vec::new();
        for (index, wish) in wishes.iter().enumerate() {
            let later: f64 = wishes[index + 1..].iter().sum();
            let seconds = Duration::from_secs_f64;
            let share = share(seconds(*wish), seconds(later), seconds(left)).as_secs_f64();
            left -= share;
            got.push(share);
        }
        for (got, expected) in got.iter().zip([1.5, 0.5, 2.0]) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }
}
