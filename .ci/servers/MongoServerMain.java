import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/**
 * The MongoDB-protocol server of the tests: listens on the loopback port of its first argument (0: any free one), keeps its data in
 * the file of its second argument or else in memory, prints its port, and ends when its standard input does.
 */
public class MongoServerMain {
  /** The library's own "5.0" speaks wire version 8, which the driver refuses; what the tests need of 4.4 it can do. */
  private static final MongoVersion VERSION = new MongoVersion() {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  };

  /** The collections need it before any constructor of theirs is done. */
  private static MVStore store;

  public static void main(String[] args) throws Exception {
    store = MVStore.open(args.length > 1 ? args[1] : null);
    H2Backend backend = new H2Backend(store) {
      @Override
      protected MongoDatabase openOrCreateDatabase(String name) {
        return new Database(name, getCursorRegistry());
      }
    };
    backend.version(VERSION);
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    System.out.println("listening on " + server.getLocalAddress().getPort());
    while (System.in.read() >= 0) {
      // Nothing is read but the end.
    }
    server.shutdown();
    System.exit(0);
  }

  private static final class Database extends H2Database {
    Database(String name, CursorRegistry cursors) {
      super(name, store, cursors);
    }

    @Override
    protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
      String full = getFullCollectionNamespace(name);
      MVMap<Object, Document> data = store.openMap("databases." + full);
      MVMap<String, Object> meta = store.openMap("meta." + full);
      return new Collection(this, name, options, data, meta, cursorRegistry);
    }
  }

  /** The library uses an index only for queries of nothing else; fenced writes ask for an _id and something more. */
  private static final class Collection extends H2Collection {
    Collection(MongoDatabase database, String name, CollectionOptions options, MVMap<Object, Document> data,
        MVMap<String, Object> meta, CursorRegistry cursors) {
      super(database, name, options, data, meta, cursors);
    }

    @Override
    protected QueryResult matchDocuments(Document query, Document sort, int skip, int limit, int batch, Document fields) {
      Document byId = new Document("_id", query.get("_id"));
      Optional<Index<Object>> index = query.containsKey("_id")
          ? getIndexes().stream().filter(each -> each.canHandle(byId)).findFirst()
          : Optional.empty();
      if (index.isEmpty()) {
        return super.matchDocuments(query, sort, skip, limit, batch, fields);
      }
      var found = StreamSupport.stream(index.get().getPositions(byId).spliterator(), false)
          .map(this::getDocument)
          .filter(Objects::nonNull);
      return matchDocumentsFromStream(found, query, sort, skip, limit, batch, fields);
    }
  }
}
