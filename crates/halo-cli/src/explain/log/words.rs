//! The words of the summary, in English and Chinese.

use halo_types::Lang;

pub(super) struct Words {
    /// `{errors}`, `{lines}`.
    pub(super) found: &'static str,
    /// `{lines}`.
    pub(super) none: &'static str,
    pub(super) partial: &'static str,
    /// `{share}`.
    pub(super) transient: &'static str,
    /// `{count}`.
    pub(super) repeated: &'static str,
    pub(super) by_kind: &'static str,
    pub(super) by_vendor: &'static str,
    pub(super) by_hour: &'static str,
    pub(super) by_day: &'static str,
    /// `{count}`.
    pub(super) earlier: &'static str,
    pub(super) without_time: &'static str,
    pub(super) nobody: &'static str,
    pub(super) worst: &'static str,
    pub(super) others: &'static str,
    pub(super) rule: &'static str,
    pub(super) more: &'static str,
}

impl Words {
    pub(super) fn of(lang: Lang) -> Self {
        match lang {
            Lang::En => Self {
                found: "{errors} provider errors in {lines} lines",
                none: "no provider errors found in {lines} lines",
                partial: "Stopped before the end: this is what was found so far.",
                transient: "{share} % pass by themselves: waiting and sending again helps.",
                repeated: "{count} further accounts of the same errors are not counted again.",
                by_kind: "By kind",
                by_vendor: "By provider",
                by_hour: "By hour",
                by_day: "By day",
                earlier: "{count} earlier",
                without_time: "without a time",
                nobody: "not told",
                worst: "The worst, those that need you first",
                others: "rare ones of other shapes",
                rule: "rule",
                more: "and {count} more shapes; --json lists them",
            },
            Lang::Zh => Self {
                found: "{lines} 行中有 {errors} 个服务商错误",
                none: "{lines} 行中没有服务商错误",
                partial: "已提前停止：以下是到目前为止的结果。",
                transient: "其中 {share} % 会自行恢复：等待后重新发送即可。",
                repeated: "另有 {count} 处是对同一错误的重复记录，未重复计数。",
                by_kind: "按类型",
                by_vendor: "按服务商",
                by_hour: "按小时",
                by_day: "按天",
                earlier: "更早 {count} 个",
                without_time: "没有时间",
                nobody: "未说明",
                worst: "最严重的错误（需要你处理的在前）",
                others: "其他少见的形式",
                rule: "规则",
                more: "还有 {count} 种形式；--json 会全部列出",
            },
        }
    }
}
