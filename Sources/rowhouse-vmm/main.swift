import Glibc
import Machine

/// The guest's process: arguments to configuration, configuration to verdict, verdict to exit status.
func main() -> Int32 {
  do throws(ConfigurationError) {
    let configuration = try Configuration(arguments: Array(CommandLine.arguments.dropFirst()))
    do throws(MachineError) {
      return try Runner(configuration).run().exitStatus
    } catch {
      StandardError.say("\(error)")
      return error.exitStatus
    }
  } catch {
    StandardError.say("\(error)")
    return 2
  }
}

exit(main())
