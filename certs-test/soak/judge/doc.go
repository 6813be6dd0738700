// Package judge tells from what was measured over a long run whether anything grows.
//
// The line through a series is Theil and Sen's: its slope is the median of the slopes
// between all pairs of points, so that up to a quarter of them may be anything, as
// bursts are, without moving it much. What a series rises by, slope times length, is
// held against a share of its median and against an amount that means nothing,
// whichever is more; and it counts where chance would hardly make such a trend (Mann and
// Kendall's test).
package judge
