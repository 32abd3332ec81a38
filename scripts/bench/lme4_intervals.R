# Rscript lme4_intervals.R FILE.csv REFITS
# Sleepstudy, random slopes by ML: prints the seconds of bootMer with so many refits, and of all profiles to 0.99.
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], colClasses = c(subject = "character"))
fit <- lmer(reaction ~ days + (days | subject), data, REML = FALSE)
estimates <- function(model) {
  c(fixef(model), attr(VarCorr(model)$subject, "stddev"), attr(VarCorr(model)$subject, "correlation")[2], sigma(model))
}
timed <- function(run) {
  started <- Sys.time()
  suppressMessages(suppressWarnings(run()))
  as.numeric(Sys.time() - started, units = "secs")
}
booted <- timed(function() bootMer(fit, estimates, nsim = as.integer(arguments[2]), seed = 1))
profiled <- timed(function() profile(fit, signames = FALSE))
cat(sprintf("%.6f %.6f\n", booted, profiled))
