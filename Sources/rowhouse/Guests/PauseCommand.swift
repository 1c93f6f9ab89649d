import ArgumentParser
import Control

/// `rowhouse pause`: stops a guest's CPUs.
struct PauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Pauses a guest: it uses no CPU time until `resume`.",
    discussion: """
      What is typed or sent to it waits. Its KVM clock stands still and its --timeout does not run; its time stamp \
      counter and its calendar clock go on. `stop` resumes it first. With --all: of those that have ended nothing is \
      said.
      """)

  @OptionGroup var selection: GuestSelection

  func run() throws { try selection.ask(.pause) }
}

/// `rowhouse resume`: lets a paused guest go on.
struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Lets a paused guest go on.", discussion: "One that runs is left alone.")

  @OptionGroup var selection: GuestSelection

  func run() throws { try selection.ask(.resume) }
}
