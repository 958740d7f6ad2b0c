import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/** Asks java.net.InetAddress. Arguments and output are those of getaddrinfo.c; what is not found has no reason here. */
class Lookup {
  public static void main(String[] questions) {
    for (String question : questions) {
      String[] words = question.split(":", 2);
      System.out.println(question + "\t" + ask(words[0], words[1]));
    }
  }

  private static String ask(String kind, String what) {
    try {
      return kind.equals("PTR") ? nameOf(what) : addresses(kind, what);
    } catch (UnknownHostException error) {
      return "!not-found";
    }
  }

  private static String addresses(String kind, String name) throws UnknownHostException {
    List<String> found = new ArrayList<>();
    for (InetAddress address : InetAddress.getAllByName(name)) {
      boolean wanted =
          kind.equals("ANY")
              || address instanceof Inet4Address && kind.equals("A")
              || address instanceof Inet6Address && kind.equals("AAAA");
      if (wanted) found.add(address.getHostAddress());
    }
    return found.isEmpty() ? "!no-data" : String.join(" ", found);
  }

  private static String nameOf(String address) throws UnknownHostException {
    InetAddress numeric = InetAddress.getByName(address);
    String name = numeric.getCanonicalHostName();
    return name.equals(numeric.getHostAddress()) ? "!not-found" : name;
  }
}
