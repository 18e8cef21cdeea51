//! The dates that a package can have.
//!
//! A package has the date of its commit, which another machine's clock may have set. If this machine's
//! clock is slow, as that of a virtual machine after going back to a snapshot, the commit's date is
//! in the future though nothing is wrong. So a commit's date may be ahead by [`HEAD_START`], which is
//! also how long the certificate is valid before now. Beyond that one of the clocks is wrong. A date
//! that the user sets must not be in the future at all.

use anyhow::{Result, bail};
use der::DateTime;
use std::time::{Duration, SystemTime};

/// The last second of 2049: catalog and certificate use the form with two digits for the year
/// (RFC 5280, 4.1.2.5.1).
const LAST: Duration = Duration::from_secs(2_524_607_999);

/// How long before now a certificate begins to be valid: the clock of a virtual machine can be as old
/// as its snapshot.
pub const HEAD_START: Duration = Duration::from_hours(30 * 24);

/// The origin of a date.
#[derive(Clone, Copy)]
pub enum Source {
    Commit,
    User,
}

/// Returns the time of this machine's clock since the beginning of 1970, or zero before that.
pub fn now() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Checks the date of a package that is made now.
pub fn check(date: Duration, source: Source, now: Duration) -> Result<()> {
    let readable = readable(date);
    if date > LAST {
        bail!(
            "the package would be dated {readable}, and catalogs and certificates have no dates after \
             2049; set SOURCE_DATE_EPOCH to the seconds since 1970 of a date in the past"
        );
    }
    let ahead = match source {
        Source::Commit => HEAD_START,
        Source::User => Duration::ZERO,
    };
    if date > now.saturating_add(ahead) {
        bail!(
            "the package would be dated {readable}, and this machine's clock says {}; set the clock, \
             or, if that is right, set SOURCE_DATE_EPOCH to the seconds since 1970 of a date in the \
             past",
            self::readable(now)
        );
    }
    Ok(())
}

/// Returns the end of a certificate that is valid for `life` from now on.
pub fn end_of_certificate(now: Duration, life: Duration) -> Result<Duration> {
    let end = now.saturating_add(life);
    if end > LAST {
        bail!(
            "this machine's clock says {}, and a certificate that is valid from then on would end \
             after 2049, which it can't express; set the clock",
            readable(now)
        );
    }
    Ok(end)
}

/// Returns the year, month and day of a date, for messages and texts.
pub fn readable(date: Duration) -> String {
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
        check(date, source, now).unwrap_err().to_string()
    }

    #[test]
    fn a_date_in_the_future_is_refused() {
        let tomorrow = refused(NOW + DAY, Source::User, NOW);
        assert!(tomorrow.contains("2023-11-15"), "{tomorrow}");
        assert!(tomorrow.contains("2023-11-14"), "{tomorrow}");
        assert!(tomorrow.contains("set the clock"), "{tomorrow}");
        assert!(check(NOW, Source::User, NOW).is_ok());
        let commit = refused(NOW + HEAD_START + SECOND, Source::Commit, NOW);
        assert!(commit.contains("2023-12-14"), "{commit}");
        // A clock without a battery.
        let reset = refused(NOW, Source::Commit, Duration::ZERO);
        assert!(reset.contains("1970-01-01"), "{reset}");
    }

    #[test]
    fn a_clock_20_days_before_the_commit_is_accepted() {
        let earlier = NOW.saturating_sub(20 * DAY);
        assert!(check(NOW, Source::Commit, earlier).is_ok());
        assert!(check(NOW, Source::Commit, NOW.saturating_sub(HEAD_START)).is_ok());
    }

    #[test]
    fn a_date_that_certificates_cannot_express_is_refused() {
        let far = Duration::MAX;
        for source in [Source::Commit, Source::User] {
            assert!(check(Duration::ZERO, source, far).is_ok());
            assert!(check(LAST, source, far).is_ok());
            let late = refused(LAST + SECOND, source, far);
            assert!(late.contains("2050-01-01"), "{late}");
            assert!(late.contains("after 2049"), "{late}");
            let later = refused(far, source, far);
            assert!(later.contains("after the year 9999"), "{later}");
        }
    }

    #[test]
    fn a_clock_at_the_end_of_2049_is_refused() {
        assert_eq!(
            end_of_certificate(LAST.saturating_sub(DAY), DAY).unwrap(),
            LAST
        );
        let late = end_of_certificate(LAST, DAY).unwrap_err().to_string();
        assert!(late.contains("2049-12-31"), "{late}");
        assert!(late.contains("set the clock"), "{late}");
    }
}
