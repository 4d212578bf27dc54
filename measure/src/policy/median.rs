//! Medians, and how far off they may be.

/// A median and the interval that has the true one in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The median.
    pub value: f64,
    /// The ends of the interval.
    pub interval: (f64, f64),
}

impl Median {
    /// Of values in any order; `None` of none. The interval's ends are values too: how many of all are below the true
    /// median is a binomial variable, whatever their distribution.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let middle = |at: usize| values.get(at).copied();
        let value = (middle(count / 2)? + middle((count - 1) / 2)?) / 2.0;
        let off = 0.98 * (count as f64).sqrt();
        let first = (count as f64 / 2.0 - off).floor().max(0.0) as usize;
        let last = count - 1 - first.min(count - 1);
        Some(Self { value, interval: (middle(first.min(last))?, middle(last.max(first))?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_its_interval() {
        assert_eq!(Median::of(vec![]), None);
        assert_eq!(Median::of(vec![3.0]), Some(Median { value: 3.0, interval: (3.0, 3.0) }));
        assert_eq!(Median::of(vec![4.0, 2.0]), Some(Median { value: 3.0, interval: (2.0, 4.0) }));
        // The 40th and the 61st of a hundred, as tables of the sign test have it.
        let values = (1..=100).rev().map(f64::from).collect();
        assert_eq!(Median::of(values), Some(Median { value: 50.5, interval: (41.0, 60.0) }));
    }

    #[test]
    fn the_interval_has_the_true_median_about_as_often_as_it_says() {
        let mut random = measure::random::Random::new(7);
        let held = (0..2000).filter(|_| {
            // The median of a uniform variable's square is a quarter.
            let values = (0..61).map(|_| (random.below(1 << 30) as f64 / f64::from(1 << 30)).powi(2)).collect();
            Median::of(values).is_some_and(|median| (median.interval.0..=median.interval.1).contains(&0.25))
        });
        let held = held.count();
        assert!((1880..=1980).contains(&held), "{held} of 2000");
    }
}
