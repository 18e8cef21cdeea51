//! Which dates a package can have.
//!
//! A package is dated by its commit, which another machine's clock has dated. Where that clock is
//! right and this one's is behind, as that of a virtual machine is as old as its snapshot, the commit
//! is of tomorrow and the package as good as ever. So a commit may be ahead by as much as the
//! certificate begins before now, and by no more: then somebody's clock is plainly wrong. A date that
//! the builder names by hand is held to this machine's clock.

use super::{pair::HEAD_START, problem::Problem};
use der::DateTime;
use std::time::{Duration, SystemTime};

/// The last second of 2049: the catalog and the certificate tell time in the form that has two digits
/// for the year (RFC 5280, 4.1.2.5.1).
const LAST: Duration = Duration::from_secs(2_524_607_999);

/// Who dates a package.
#[derive(Clone, Copy)]
pub enum Source {
    /// Its commit.
    Commit,
    /// Whoever builds it.
    Builder,
}

/// What this machine's clock says, since the beginning of 1970, and the beginning of 1970 before that.
pub fn now() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Gives the date of a package that is made now, if it can have it.
///
/// # Errors
///
/// If it has not come yet, or can't be expressed.
pub fn of_package(date: Duration, source: Source, now: Duration) -> Result<Duration, Problem> {
    if date > LAST {
        return Err(Problem::DateNotExpressible { date: told(date) });
    }
    let ahead = match source {
        Source::Commit => HEAD_START,
        Source::Builder => Duration::ZERO,
    };
    if date > now.saturating_add(ahead) {
        return Err(Problem::DateInFuture {
            date: told(date),
            clock: told(now),
        });
    }
    Ok(date)
}

/// Gives the end of a certificate that lives for `life` from now on, if it can have that end.
///
/// # Errors
///
/// If it can't be expressed.
pub fn end_of_certificate(now: Duration, life: Duration) -> Result<Duration, Problem> {
    let end = now.saturating_add(life);
    if end > LAST {
        return Err(Problem::ClockNotExpressible { clock: told(now) });
    }
    Ok(end)
}

/// A date for people.
fn told(date: Duration) -> String {
    DateTime::from_unix_duration(date).map_or_else(
        |_| "after the year 9999".to_owned(),
        |date| format!("{}-{:02}-{:02}", date.year(), date.month(), date.day()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14.
    const NOW: Duration = Duration::from_secs(1_700_000_000);
    const DAY: Duration = Duration::from_hours(24);
    const SECOND: Duration = Duration::from_secs(1);

    fn refused(date: Duration, source: Source, now: Duration) -> String {
        of_package(date, source, now).unwrap_err().to_string()
    }

    #[test]
    fn a_package_that_would_be_dated_in_the_future_is_refused() {
        let tomorrow = refused(NOW + DAY, Source::Builder, NOW);
        assert!(tomorrow.contains("2023-11-15"), "{tomorrow}");
        assert!(tomorrow.contains("2023-11-14"), "{tomorrow}");
        assert!(tomorrow.contains("set the clock"), "{tomorrow}");
        assert!(of_package(NOW, Source::Builder, NOW).is_ok());
        let commit = refused(NOW + HEAD_START + SECOND, Source::Commit, NOW);
        assert!(commit.contains("2023-12-14"), "{commit}");
        // A clock that has no battery.
        let reset = refused(NOW, Source::Commit, Duration::ZERO);
        assert!(reset.contains("1970-01-01"), "{reset}");
    }

    #[test]
    fn a_clock_20_days_behind_the_commit_is_none_of_the_packages_business() {
        let behind = NOW.saturating_sub(20 * DAY);
        assert_eq!(of_package(NOW, Source::Commit, behind).unwrap(), NOW);
        assert!(of_package(NOW, Source::Commit, NOW.saturating_sub(HEAD_START)).is_ok());
    }

    #[test]
    fn a_date_that_certificates_cannot_express_is_refused() {
        let far = Duration::MAX;
        for source in [Source::Commit, Source::Builder] {
            assert!(of_package(Duration::ZERO, source, far).is_ok());
            assert!(of_package(LAST, source, far).is_ok());
            let late = refused(LAST + SECOND, source, far);
            assert!(late.contains("2050-01-01"), "{late}");
            assert!(late.contains("after 2049"), "{late}");
            let later = refused(far, source, far);
            assert!(later.contains("after the year 9999"), "{later}");
        }
    }

    #[test]
    fn a_clock_that_no_certificate_can_follow_is_told() {
        assert_eq!(
            end_of_certificate(LAST.saturating_sub(DAY), DAY).unwrap(),
            LAST
        );
        let late = end_of_certificate(LAST, DAY).unwrap_err().to_string();
        assert!(late.contains("2049-12-31"), "{late}");
        assert!(late.contains("set the clock"), "{late}");
    }
}
