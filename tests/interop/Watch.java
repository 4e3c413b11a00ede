import java.io.File;
import java.util.Arrays;
import java.util.Map;
import javax.security.auth.kerberos.KerberosPrincipal;
import javax.security.auth.kerberos.KeyTab;

/**
 * Reads a keytab over and over while somebody writes it, until a file is there:
 * {@code java Watch.java FILE BEGUN UNTIL PRINCIPAL...} makes BEGUN after the first read, and prints how often it
 * read; before that, each principal that a read found no key of.
 */
public class Watch {
    public static void main(String[] arguments) throws Exception {
        var keytab = new File(arguments[0]);
        var begun = new File(arguments[1]);
        var until = new File(arguments[2]);
        var principals = Arrays.stream(arguments).skip(3).map(KerberosPrincipal::new).toList();
        // What it has read once it keeps, and shows again where a later read finds a damaged file.
        var kept = Class.forName("sun.security.krb5.internal.ktab.KeyTab").getDeclaredField("map");
        kept.setAccessible(true);
        var files = (Map<?, ?>) kept.get(null);
        int reads = 0;
        for (; !until.exists(); reads++) {
            for (var principal : principals) {
                files.clear();
                if (KeyTab.getInstance(principal, keytab).getKeys(principal).length == 0) {
                    System.out.println("read " + reads + " has no key of " + principal);
                }
            }
            begun.createNewFile();
        }
        System.out.println(reads);
    }
}
